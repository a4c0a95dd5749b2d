/*
 * The verbs `stack` and `code` over real processes, on every Python, with no debugger: what they
 * print is what the process says of itself.
 */
#include "check.h"
#include "command/session.h"
#include "process_host.h"
#include "told.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Attaching and reading symbols takes a while, so not at every stop. */
#define EVERY 7

struct looked {
    struct process_host *host;
    struct bs_session *session;
};

static bool look(const struct process *process, struct looked *looked) {
    *looked = (struct looked){.host = process_host_attach(process->pid)};
    return looked->host && CHECK_OK(bs_session_create(NULL, &looked->session));
}

static void look_away(struct looked *looked) {
    bs_session_destroy(looked->session);
    if (looked->host)
        process_host_detach(looked->host);
}

/* What a command prints; to be released with free(). */
static char *output_of(struct looked *looked, const char *command) {
    looked->host->output.length = looked->host->output.span_count = 0;
    if (!CHECK_OK(bs_session_run(looked->session, &looked->host->host, command)))
        return strdup("");
    return strdup(process_host_output(looked->host));
}

/* Bytes that the inline cache of an instruction has at most. */
#define CACHE_BYTES_MAX 20

/*
 * "[py]  NAME at FILE:LINE, OFFSET OPCODE". The innermost has gone on since it told; and f_lasti of
 * 3.11 and 3.12 may lie in the cache of the instruction.
 */
static bool same_python_line(const char *line, const struct told_frame *told, bool innermost) {
    char start[8192];
    long told_line = 0, offset = -1;
    snprintf(start, sizeof(start), "[py]  %s at %s:", told->name, told->file);
    size_t length = strlen(start);
    if (!CHECK_BYTES(line, strlen(line) < length ? strlen(line) : length, start))
        return false;
    sscanf(line + length, "%ld, %ld", &told_line, &offset);
    return innermost || (CHECK_EQ(told_line, told->line) && CHECK(offset <= told->lasti) &&
                         CHECK(told->lasti - offset <= CACHE_BYTES_MAX));
}

/* Check the lines of one thread, from the one after its title to a blank one. */
static bool same_stack(char **lines, const struct told_thread *told) {
    size_t python = 0, native = 0;
    bool same = true;
    for (char *line; same && (line = strsep(lines, "\n")) && *line;) {
        char number[16];
        if (!strncmp(line, "[py]", 4)) {
            same = CHECK(python < told->count) && CHECK(native > 0) &&
                   same_python_line(line, &told->frames[python], !python);
            python++;
            continue;
        }
        snprintf(number, sizeof(number), "#%zu ", native++);
        same = CHECK(!strncmp(line, number, strlen(number)));
    }
    return same && CHECK_EQ(python, told->count) && CHECK(native > 0);
}

static bool same_threads(char *output, const struct told *told) {
    size_t threads = 0;
    bool same = true;
    for (char *line; same && (line = strsep(&output, "\n"));) {
        int tid;
        if (sscanf(line, "Thread %d", &tid) != 1)
            continue;
        const struct told_thread *thread = told_by_tid(told, tid);
        same = CHECK(thread != NULL) && same_stack(&output, thread);
        threads++;
    }
    return same && CHECK_EQ(threads, told->count);
}

/* In the code of the selected frame, the current instruction is the one that waits in read(). */
static bool same_code(const char *output) {
    const char *current = strstr(output, "--> ");
    return CHECK(!strncmp(output, "stop at ", 8)) && CHECK(strstr(output, "os.read(0, 100)\n")) &&
           CHECK(current && strstr(current, "CALL") < strchr(current, '\n')) &&
           CHECK(!strstr(current + 1, "--> "));
}

static bool check_stop(struct process *process, const struct told *told) {
    struct looked looked;
    bool same = look(process, &looked);
    if (same) {
        _cleanup_free_ char *stack = output_of(&looked, "stack --all");
        _cleanup_free_ char *copy = strdup(stack);
        _cleanup_free_ char *code = output_of(&looked, "code");
        const struct told_thread *selected = told_by_tid(told, process->pid);
        bool stops_here = selected && !strcmp(selected->frames[0].name, "stop");
        same = same_threads(copy, told) && (!stops_here || same_code(code));
        if (!same)
            printf("%.4000s\n%.2000s\n", stack, code);
    }
    look_away(&looked);
    return same;
}

static void stacks_of(const struct interpreter *interpreter) {
    static struct told told;
    struct process process;
    size_t stops = 0;
    bool same = process_start(&process, interpreter, "stops.py", NULL);
    while (same && told_next(&process, &told)) {
        if (stops++ % EVERY == 0 || told.count > 1)
            same = check_stop(&process, &told);
        process_send(&process, "go");
    }
    CHECK(!same || stops > 60);
    told_forget(&told);
    process_end(&process);
}

TEST(inspect_stack, prints_the_frames_that_the_process_says) {
    interpreters_each(stacks_of);
}
