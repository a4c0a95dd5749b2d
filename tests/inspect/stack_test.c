/*
 * The verbs `stack` and `code` over real processes, on every Python, with no debugger: what they
 * print is what the process says of itself.
 */
#include "check.h"
#include "command/session.h"
#include "inspect/frames.h"
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

struct placed {
    uint64_t start_addr; /* of the module that is searched for an offset */
    const char *module;
    uint64_t offset_bytes;
    const struct bs_host *host;
    int tid;
    bool found;
};

static bool place_native(void *arg, const struct bs_native_frame *frame) {
    struct placed *placed = arg;
    placed->found |= frame->pc_addr - placed->start_addr == placed->offset_bytes;
    return !placed->found;
}

static bool place_in_module(void *arg, const struct bs_module *module) {
    struct placed *placed = arg;
    const char *slash = strrchr(module->path, '/');
    if (strcmp(slash ? slash + 1 : module->path, placed->module))
        return true;
    placed->start_addr = module->start_addr;
    CHECK_OK(placed->host->walk(placed->host->arg, placed->tid, place_native, placed));
    return !placed->found;
}

/* A C frame without a line is told by the very address that a debugger's backtrace shows. */
static void offsets_of(const struct interpreter *interpreter) {
    static struct told told;
    struct process process;
    struct looked looked = {};
    size_t offsets = 0;
    if (process_start(&process, interpreter, "stops.py", NULL) && told_next(&process, &told) &&
        look(&process, &looked)) {
        _cleanup_free_ char *stack = output_of(&looked, "stack");
        for (char *rest = stack, *line; (line = strsep(&rest, "\n"));) {
            char module[256];
            struct placed placed = {
                .module = module, .host = &looked.host->host, .tid = process.pid};
            const char *from = strstr(line, " from ");
            if (*line != '#' || !from ||
                sscanf(from, " from %255[^+]+0x%" SCNx64, module, &placed.offset_bytes) != 2)
                continue;
            CHECK_OK(placed.host->target.modules(placed.host->arg, place_in_module, &placed));
            if (!CHECK(placed.found))
                printf("  %s\n", line);
            offsets++;
        }
        CHECK(offsets > 0);
    }
    told_forget(&told);
    look_away(&looked);
    process_end(&process);
}

TEST(inspect_stack, offsets_are_those_of_the_pc) {
    interpreters_each(offsets_of);
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

/* A process at its @p stop-th stop, looked at. */
struct stopped {
    struct process process;
    struct looked looked;
};

static bool open_stopped(const struct interpreter *interpreter, size_t stop,
                         struct stopped *stopped) {
    static struct told told;
    *stopped = (struct stopped){};
    bool good = process_start(&stopped->process, interpreter, "stops.py", NULL);
    for (size_t i = 0; good && i <= stop; i++) {
        good = told_next(&stopped->process, &told);
        if (i < stop)
            process_send(&stopped->process, "go");
    }
    told_forget(&told);
    return good && look(&stopped->process, &stopped->looked);
}

static void close_stopped(struct stopped *stopped) {
    look_away(&stopped->looked);
    process_end(&stopped->process);
}

static bool prints(struct stopped *stopped, const char *command, const char *part) {
    _cleanup_free_ char *output = output_of(&stopped->looked, command);
    bool holds = CHECK(strstr(output, part) != NULL);
    if (!holds)
        printf("  %s: no \"%s\" in\n%.2000s\n", command, part, output);
    return holds;
}

static void refuses(struct stopped *stopped, const char *command, enum bs_error_code code,
                    const char *part) {
    CHECK_ERROR(bs_session_run(stopped->looked.session, &stopped->looked.host->host, command), code,
                part);
}

static void names_of(const struct interpreter *interpreter) {
    struct stopped stopped;
    if (open_stopped(interpreter, 2, &stopped)) {
        prints(&stopped, "code recurse", "recurse at ");
        prints(&stopped, "code  __main__:recurse ", "recurse at ");
        prints(&stopped, "code Point.y", "return stop(1)\n");
        prints(&stopped, "code threading.Thread.start", "threading.py:");
        refuses(&stopped, "code nothing", BS_ERROR_NOT_FOUND, "there is no nothing here");
        refuses(&stopped, "code recurse.nothing", BS_ERROR_NOT_FOUND,
                "recurse.nothing: there is no nothing in recurse, as far as");
        refuses(&stopped, "code threading:Thread.nothing", BS_ERROR_NOT_FOUND,
                "there is no nothing in threading:Thread, as far as");
        refuses(&stopped, "code len", BS_ERROR_NOT_FOUND, "len has no bytecode");
        refuses(&stopped, "code Point", BS_ERROR_NOT_FOUND, "bytesight code Point.__init__");
        refuses(&stopped, "code cached", BS_ERROR_NOT_FOUND, "bytesight code cached.__wrapped__");
        refuses(&stopped, "code part", BS_ERROR_NOT_FOUND, "bytesight code part.func");
        prints(&stopped, "code cached.__wrapped__", "recurse at ");
        prints(&stopped, "code part.func", "recurse at ");
        refuses(&stopped, "code a..b", BS_ERROR_USAGE, "a..b");
        refuses(&stopped, "code --all recurse", BS_ERROR_USAGE, "--all");
        refuses(&stopped, "stack recurse", BS_ERROR_USAGE, "recurse");
    }
    close_stopped(&stopped);
}

TEST(inspect_stack, code_of_names) {
    interpreters_each(names_of);
}

/* Print the exception table of errors() in stops.py as dis of 3.11 and 3.12 does. */
static const char print_handlers[] =
    "import dis, pathlib, sys\n"
    "code = compile(pathlib.Path(sys.argv[1]).read_bytes(), sys.argv[1], 'exec')\n"
    "code = next(c for c in code.co_consts if getattr(c, 'co_name', '') == 'errors')\n"
    "if hasattr(code, 'co_exceptiontable'):\n"
    "    print('ExceptionTable:')\n"
    "    for entry in dis._parse_exception_table(code):\n"
    "        print(f'  {entry.start} to {entry.end - 2} -> {entry.target} [{entry.depth}]'\n"
    "              + ' lasti' * entry.lasti)\n";

static void handlers_of(const struct interpreter *interpreter) {
    const char *const args[] = {
        "-I", "-S", "-c", print_handlers, SOURCE_DIR "/tests/inspect/programs/stops.py", NULL};
    char expected[4096];
    struct stopped stopped;
    pid_t pid;
    FILE *output = program_open(interpreter->path, args, &pid);
    if (!CHECK(output))
        return;
    expected[fread(expected, 1, sizeof(expected) - 1, output)] = '\0';
    CHECK_EQ(program_close(output, pid), 0);
    CHECK(interpreter->python < 0x030b0000 || strstr(expected, "lasti\n"));
    if (open_stopped(interpreter, 2, &stopped)) {
        _cleanup_free_ char *code = output_of(&stopped.looked, "code errors");
        char *table = strstr(code, "ExceptionTable:\n");
        CHECK_TEXT(table ? table : "", expected);
    }
    close_stopped(&stopped);
}

TEST(inspect_stack, code_ends_with_its_exception_table) {
    interpreters_each(handlers_of);
}

struct levels {
    size_t count;
};

static bool count_level(void *arg, const struct bs_native_frame *frame) {
    ((struct levels *)arg)->count++;
    return true;
}

/* The selected C frame decides: the innermost belongs to stop(), the outermost to the module. */
static void selection_of(const struct interpreter *interpreter) {
    struct stopped stopped;
    struct levels levels = {};
    if (open_stopped(interpreter, 2, &stopped)) {
        struct process_host *host = stopped.looked.host;
        CHECK_OK(host->host.walk(host->host.arg, stopped.process.pid, count_level, &levels));
        host->state.selected_level = 0;
        prints(&stopped, "code", "stop at ");
        host->state.selected_level = (unsigned int)levels.count - 1;
        prints(&stopped, "code", "<module> at ");
    }
    close_stopped(&stopped);
}

TEST(inspect_stack, code_is_that_of_the_selected_frame) {
    interpreters_each(selection_of);
}

/* A Ctrl-C at any callback ends the command there, and nothing else is the matter afterwards. */
static void interruptions_of(const struct interpreter *interpreter) {
    struct stopped stopped;
    size_t interrupted = 0;
    if (open_stopped(interpreter, 2, &stopped)) {
        struct process_host *host = stopped.looked.host;
        host->through_host = true;
        free(output_of(&stopped.looked, "stack"));
        unsigned int callbacks = host->callbacks;
        for (unsigned int at = 1; at < callbacks; at += 1 + callbacks / 25) {
            host->interrupt_at = host->callbacks + at;
            host->interrupted = false;
            struct bs_error *error =
                bs_session_run(stopped.looked.session, &host->host, "stack --all");
            CHECK(!error || error->code == BS_ERROR_INTERRUPTED);
            interrupted += error != NULL;
            bs_error_destroy(error);
        }
        host->interrupt_at = 0;
        host->interrupted = false;
        CHECK(interrupted > 10);
        prints(&stopped, "stack", "[py]  stop at ");
    }
    close_stopped(&stopped);
}

TEST(inspect_stack, can_be_interrupted_anywhere) {
    interpreters_each(interruptions_of);
}

/* The code pointer of the second frame is destroyed, as a stray write would. */
static bool destroy_frame(struct stopped *stopped) {
    const struct bs_host *host = &stopped->looked.host->host;
    _cleanup_interpreter_ struct bs_interpreter python = {};
    _cleanup_threads_ struct bs_threads threads = {};
    _cleanup_frames_ struct bs_frames frames = {};
    const uint64_t nonsense = 0x4141414141414141;
    return CHECK_OK(bs_interpreter_find(&host->target, &python)) &&
           CHECK_OK(bs_threads_list(&python, &threads)) &&
           CHECK_OK(bs_frames_walk(&python, threads.items, NULL, &frames)) &&
           CHECK(frames.count > 4) &&
           CHECK_OK(host->write_memory(
               host->arg, frames.items[1].frame_addr + (uint64_t)python.layout.frame_code,
               &nonsense, sizeof(nonsense)));
}

static void damage_of(const struct interpreter *interpreter) {
    struct stopped stopped;
    if (open_stopped(interpreter, 2, &stopped) && destroy_frame(&stopped)) {
        prints(&stopped, "stack", "[py]  stop at ");
        prints(&stopped, "stack", " cannot be read: ");
        prints(&stopped, "stack", "[py]  <module> at ");
        prints(&stopped, "stack", " _start");
    }
    close_stopped(&stopped);
}

TEST(inspect_stack, says_which_frame_cannot_be_read_and_prints_the_rest) {
    interpreters_each(damage_of);
}
