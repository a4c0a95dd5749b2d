/* Finding an interpreter: its version, its state, its lock, its layout; and where there is none. */
#include "inspect/interpreter.h"

#include "check.h"
#include "core/labels.h"
#include "inspect/cache.h"
#include "inspect/gil.h"
#include "inspect/threads.h"
#include "process.h"

#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void check_running(struct process *process, const struct interpreter *interpreter) {
    _cleanup_interpreter_ struct bs_interpreter python = {};
    char expected[24], text[24];
    unsigned int hex = 0;
    char *line = process_read(process);
    if (!CHECK(line && sscanf(line, "running %u", &hex) == 1) ||
        !CHECK_OK(bs_interpreter_find(&process->target, &python)))
        return;
    CHECK_EQ(python.python, hex);
    CHECK_EQ(python.state, BS_INTERPRETER_RUNNING);
    CHECK_OK(bs_interpreter_check_running(&python));
    CHECK_EQ(python.debug, interpreter_is_debug(interpreter));
    CHECK(python.eval_addr >= python.module_start_addr &&
          python.eval_addr < python.module_end_addr);
    snprintf(expected, sizeof(expected), "%s", interpreter->version);
    bs_python_version_text(python.python, text);
    CHECK_TEXT(text, expected);
    printf("  %s, %s\n", strrchr(python.module_path, '/') + 1,
           python.stripped ? "stripped" : "with symbols");
}

static void check_finalizing(struct process *process) {
    _cleanup_interpreter_ struct bs_interpreter python = {};
    char *line;
    process_send(process, "go");
    line = process_read(process);
    if (!CHECK(line && !strcmp(line, "finalizing")) ||
        !CHECK_OK(bs_interpreter_find(&process->target, &python)))
        return;
    CHECK_EQ(python.state, BS_INTERPRETER_FINALIZING);
    CHECK_ERROR(bs_interpreter_check_running(&python), BS_ERROR_STATE, "shutting down");
}

static void states_of(const struct interpreter *interpreter) {
    struct process process;
    if (process_start(&process, interpreter, "states.py", NULL)) {
        check_running(&process, interpreter);
        check_finalizing(&process);
    }
    process_end(&process);
}

TEST(inspect_interpreter, is_found_with_version_and_state) {
    interpreters_each(states_of);
}

/* Stop the process while somebody holds the lock: the program takes it again after it has written
   its line, and never gives it back. */
static bool stop_holding(struct process *process, const struct bs_interpreter *python,
                         struct bs_gil *gil) {
    for (int i = 0; i < 1000; i++) {
        if (!process_stop(process) || !CHECK_OK(bs_gil_read(python, gil)))
            return false;
        if (gil->locked)
            return true;
        process_continue(process);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return CHECK(gil->locked);
}

static void holder_of(const struct interpreter *interpreter) {
    struct process process;
    struct bs_interpreter python = {};
    struct bs_threads threads = {};
    struct bs_gil gil = {};
    uint64_t ident = 0;
    int tid = 0;
    char *line = NULL;
    if (process_start(&process, interpreter, "states.py", (const char *const[]){"held", NULL}) &&
        CHECK(process_read(&process) != NULL)) {
        process_send(&process, "go");
        line = process_read(&process);
    }
    if (CHECK(line && sscanf(line, "held %" SCNu64 " %d", &ident, &tid) == 2) &&
        CHECK_OK(bs_interpreter_find(&process.target, &python)) &&
        stop_holding(&process, &python, &gil) && CHECK_OK(bs_threads_list(&python, &threads))) {
        CHECK_EQ(gil.ident, ident);
        CHECK_EQ(gil.tid, tid);
        CHECK_EQ(threads.count, 2);
        const struct bs_thread *thread = bs_threads_by_tid(&threads, tid);
        CHECK(thread && thread->holds_gil && thread->ident == ident &&
              thread->state_addr == gil.state_addr);
        for (size_t i = 0; i < threads.count; i++)
            CHECK(threads.items[i].holds_gil == (threads.items[i].tid == tid));
    }
    CHECK(!bs_threads_by_tid(&threads, 1));
    bs_threads_deinit(&threads);
    bs_interpreter_deinit(&python);
    process_end(&process);
}

TEST(inspect_interpreter, knows_who_holds_the_gil) {
    interpreters_each(holder_of);
}

/* Start a program that is no Python of ours and find in it what @p code and @p part say. */
static void check_other(const char *path, const char *program, const char *const *args,
                        enum bs_error_code code, const char *part) {
    struct interpreter other = {.path = path};
    struct process process;
    struct bs_interpreter python;
    if (process_start(&process, &other, program, args) && CHECK(process_read(&process) != NULL))
        CHECK_ERROR(bs_interpreter_find(&process.target, &python), code, part);
    process_end(&process);
}

TEST(inspect_interpreter, is_not_in_a_program_without_python) {
    /* After the file it reads what we do not send, and so is still there to be looked at. */
    const char *const args[] = {"-", NULL};
    check_other("/bin/cat", "states.py", args, BS_ERROR_NOT_FOUND, "no Python interpreter");
}

TEST(inspect_interpreter, of_an_older_version_is_named) {
    char pattern[512];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s/.pyenv/versions/[23].[6789].*/bin/python[23].[6789]",
             getenv("HOME") ? getenv("HOME") : "");
    if (glob(pattern, 0, NULL, &found) || !found.gl_pathc)
        SKIP("a Python older than 3.10");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char expected[64];
        snprintf(expected, sizeof(expected), "Python %s; bytesight knows 3.10 to 3.15",
                 strrchr(found.gl_pathv[i], '/') + strlen("/python"));
        check_other(found.gl_pathv[i], "older.py", NULL, BS_ERROR_UNSUPPORTED, expected);
    }
    globfree(&found);
}
