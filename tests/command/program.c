#include "program.h"

#include "check.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define UNSHARE "/usr/bin/unshare"
#define STOPS   SOURCE_DIR "/tests/command/programs/stops.py"

#define SETTLE_MS 60 /* from "ready", or from when it is let go, to where it is busy */

static void settle(void) {
    const struct timespec time = {.tv_nsec = SETTLE_MS * 1000000L};
    nanosleep(&time, NULL);
}

static void wait_until_ready(struct program *program) {
    char line[64] = "";
    if (CHECK(program->output && fgets(line, sizeof(line), program->output)))
        CHECK_TEXT(line, "ready\n");
    settle();
}

static void attach(struct program *program) {
    wait_until_ready(program);
    CHECK_OK(bs_session_create(BUILD_DIR "/libbytesight_agent.so", &program->session));
    program->process = process_host_attach(program->pid);
}

struct program program_start_file(const struct interpreter *interpreter, const char *path,
                                  const char *stop) {
    const char *const args[] = {path, stop, NULL};
    struct program program = {};
    program.output = program_open(interpreter->path, args, &program.pid);
    program.launcher = program.pid;
    attach(&program);
    return program;
}

struct program program_start(const struct interpreter *interpreter, const char *stop) {
    return program_start_file(interpreter, STOPS, stop);
}

/* The only child of @p pid, as soon as there is one. */
static pid_t only_child(pid_t pid) {
    char path[64];
    int child = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    for (int i = 0; i < 1000 && !child; i++) {
        FILE *file = fopen(path, "r");
        if (!file || fscanf(file, "%d", &child) != 1)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        if (file)
            fclose(file);
    }
    return child;
}

static bool can_make_namespaces(void) {
    const char *const args[] = {"--pid", "--fork", "--mount-proc", "/bin/true", NULL};
    pid_t pid;
    FILE *output = program_open(UNSHARE, args, &pid);
    return output && !program_close(output, pid);
}

struct program program_start_apart(const struct interpreter *interpreter, const char *stop) {
    const char *const args[] = {"--pid", "--fork", "--mount-proc", interpreter->path, STOPS,
                                stop,    NULL};
    struct program program = {};
    if (!can_make_namespaces())
        return program;
    program.output = program_open(UNSHARE, args, &program.launcher);
    program.pid = only_child(program.launcher);
    attach(&program);
    return program;
}

struct program program_start_forked(const struct interpreter *interpreter, const char *stop) {
    const char *const args[] = {STOPS, stop, NULL};
    struct program program = {};
    program.output = program_open(interpreter->path, args, &program.launcher);
    program.pid = only_child(program.launcher);
    attach(&program);
    return program;
}

void program_tell(struct program *program) {
    if (!program->told) /* the main thread, whatever threads there are that Python does not know */
        syscall(SYS_tgkill, program->pid, program->pid, SIGUSR1);
    program->told = true;
}

void program_end(struct program *program) {
    char line[64] = "";
    if (!program->output)
        return;
    if (program->process)
        process_host_detach(program->process);
    bs_session_destroy(program->session);
    if (program->killed) {
        CHECK_EQ(program_close(program->output, program->launcher), 128 + SIGKILL);
        return;
    }
    /* On aarch64 the kernel forgets, when a call is made, that the thread was in a system call: it
       begins anew, and until it has begun no signal ends it. */
    settle();
    program_tell(program);
    if (fgets(line, sizeof(line), program->output))
        CHECK_TEXT(line, "enough 10\n");
    else
        CHECK(!"it said that it had enough");
    CHECK_EQ(program_close(program->output, program->launcher), 0);
}

struct bs_error *program_run(struct program *program, const char *line) {
    program->process->output.length = 0;
    return bs_session_run(program->session, &program->process->host, line);
}

bool program_check_shows(struct program *program, const char *command, const char *part,
                         const char *file, unsigned int line) {
    struct bs_error *error = program_run(program, command);
    if (!check_no_error(error, command, file, line))
        return false;
    const char *output = process_host_output(program->process);
    if (strstr(output, part))
        return true;
    return check_text(output, strlen(output), part, "a part of the output", file, line);
}

static void add_file(struct bs_buffer *buffer, const char *path, const char *const *wanted) {
    char line[1024];
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        for (size_t i = 0; wanted[i]; i++) {
            if (!strncmp(line, wanted[i], strlen(wanted[i])))
                bs_buffer_text(buffer, line);
        }
    }
    if (file)
        fclose(file);
}

static void add_folder(struct bs_buffer *buffer, const char *path) {
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    bs_buffer_format(buffer, "%s:", path);
    for (int i = 0; i < count; i++) {
        bs_buffer_format(buffer, " %s", entries[i]->d_name);
        free(entries[i]);
    }
    bs_buffer_char(buffer, '\n');
    if (count >= 0)
        free(entries);
}

char *program_snapshot(const struct program *program) {
    static const char *const status[] = {"SigBlk",  "SigIgn",    "SigCgt",
                                         "Threads", "TracerPid", NULL};
    static const char *const everything[] = {"", NULL};
    struct bs_buffer buffer = BS_BUFFER_INIT;
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/status", program->pid);
    add_file(&buffer, path, status);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", program->pid, program->pid);
    add_file(&buffer, path, everything);
    snprintf(path, sizeof(path), "/proc/%d/fd", program->pid);
    add_folder(&buffer, path);
    snprintf(path, sizeof(path), "/proc/%d/task", program->pid);
    add_folder(&buffer, path);
    bs_buffer_text(&buffer, PROGRAM_MAPPINGS);
    snprintf(path, sizeof(path), "/proc/%d/maps", program->pid);
    add_file(&buffer, path, everything);
    bs_buffer_char(&buffer, '\0');
    return buffer.data;
}

/* The lines of @p a that are not in @p b. */
static size_t print_missing(const char *title, const char *a, const char *b) {
    size_t missing = 0;
    while (*a) {
        size_t length = strcspn(a, "\n") + 1;
        _cleanup_free_ char *line = strndup(a, length);
        if (line && !strstr(b, line)) {
            printf("%s%s", title, line);
            missing++;
        }
        a += length;
    }
    return missing;
}

void program_check_unchanged(const struct program *program, const char *before) {
    _cleanup_free_ char *after = program_snapshot(program);
    size_t differences = print_missing("  gone: ", before, after);
    if (!strstr(before, PROGRAM_MAPPINGS))
        *strstr(after, PROGRAM_MAPPINGS) = '\0';
    differences += print_missing("  new: ", after, before);
    CHECK_EQ(differences, 0);
}

static bool keep_last(void *arg, int tid) {
    *(int *)arg = tid; /* they come as they were made; their numbers may begin anew */
    return true;
}

int program_last_thread(const struct program *program) {
    int last = 0;
    CHECK_OK(program->process->host.threads(program->process->host.arg, keep_last, &last));
    return last;
}

void program_check_works(struct program *program) {
    CHECK_SHOWS(program, "trace hot(2)", "Trace of `hot`");
    _cleanup_free_ char *before = program_snapshot(program);
    CHECK_SHOWS(program, "trace hot(3)", "total += i");
    CHECK_SHOWS(program, "profile --warmups 3 --repeats 5 --engine settrace hot(3)", "total += i");
    CHECK_SHOWS(program, "profile --warmups 3 --repeats 5 hot(3)", "total += i");
    program_check_unchanged(program, before);
    CHECK(!program->process->progress_shown);
}
