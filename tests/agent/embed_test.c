/*
 * The agent in a program that embeds Python: before it is initialised, while it is, and after it
 * was finalised; on the thread that holds the GIL, and on another. Only where there is a shared
 * libpython beside the interpreter.
 */
#include "check.h"
#include "drive.h"
#include "format/request.h"

#include <dlfcn.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define AGENT BUILD_DIR "/libbytesight_agent.so"

/* What the child uses, by name; it has no Python headers. */
static struct {
    int64_t (*start)(struct bs_request *);
    int64_t (*run_in_process)(struct bs_shared *);
    int64_t (*finish)(struct bs_shared *);
    void (*initialize)(int);
    int (*finalize)(void);
    int (*run)(const char *);
    void *(*save_thread)(void);
    void (*restore_thread)(void *);
    void (*set_error)(void *, const char *);
    void *(*occurred)(void);
    void (*clear)(void);
    void **key_error;
} in;

static bool load(const char *libpython) {
    void *python = dlopen(libpython, RTLD_NOW | RTLD_GLOBAL);
    void *agent = python ? dlopen(AGENT, RTLD_NOW) : NULL;
    if (!agent)
        return false;
    *(void **)&in.start = dlsym(agent, "bytesight_start");
    *(void **)&in.run_in_process = dlsym(agent, "bytesight_run");
    *(void **)&in.finish = dlsym(agent, "bytesight_finish");
    *(void **)&in.initialize = dlsym(python, "Py_InitializeEx");
    *(void **)&in.finalize = dlsym(python, "Py_FinalizeEx");
    *(void **)&in.run = dlsym(python, "PyRun_SimpleString");
    *(void **)&in.save_thread = dlsym(python, "PyEval_SaveThread");
    *(void **)&in.restore_thread = dlsym(python, "PyEval_RestoreThread");
    *(void **)&in.set_error = dlsym(python, "PyErr_SetString");
    *(void **)&in.occurred = dlsym(python, "PyErr_Occurred");
    *(void **)&in.clear = dlsym(python, "PyErr_Clear");
    in.key_error = dlsym(python, "PyExc_KeyError");
    return in.start && in.finish && in.initialize && in.finalize && in.run && in.save_thread &&
           in.restore_thread && in.set_error && in.occurred && in.clear && in.key_error;
}

static struct bs_request request_f(uint32_t flags) {
    return (struct bs_request){
        .magic = BS_REQUEST_MAGIC,
        .version = BS_REQUEST_VERSION,
        .size_bytes = sizeof(struct bs_request),
        .flags = flags,
        .max_events = 1000,
        .timeout_ns = 10000000000u,
        .frame_index = BS_FRAME_NONE,
        .call_bytes = 3,
        .call = "f()",
    };
}

/* Run f() and write a line to @p output: what it was, how it ended, and the text of that. */
static void run_f(FILE *output, const char *what, uint32_t flags) {
    struct bs_request request = request_f(flags);
    int64_t address = in.start(&request);
    if (address <= 0) {
        fprintf(output, "%s: start failed\n", what);
        return;
    }
    struct bs_shared *shared = (void *)(intptr_t)address;
    if (flags & BS_REQUEST_IN_PROCESS && in.run_in_process(shared))
        fprintf(output, "%s: run failed\n", what);
    while (atomic_load(&shared->state) != BS_STATE_DONE)
        usleep(500);
    const struct bs_image_header *image =
        (const void *)((const char *)shared + shared->image_offset_bytes);
    const char *text =
        (const char *)image + image->sections[BS_SECTION_HEAP].offset_bytes + image->outcome_text;
    fprintf(output, "%s: %u %.*s\n", what, image->outcome, *(const int *)text, text + 4);
    if (in.finish(shared))
        fprintf(output, "%s: finish failed\n", what);
}

/* A debugger that went away between start and finish has not taken the program's handler with it.
 */
static void start_twice(FILE *output) {
    struct bs_request request = request_f(BS_REQUEST_IN_PROCESS);
    struct sigaction before, after;
    sigaction(SIGINT, NULL, &before);
    bool started = in.start(&request) > 0 && in.start(&request) > 0;
    bool finished = !in.finish(NULL);
    sigaction(SIGINT, NULL, &after);
    fprintf(output, "never finished: %d %d, SIGINT as before: %d\n", started, finished,
            before.sa_handler == after.sa_handler);
}

struct other {
    FILE *output;
    const char *what;
    pthread_barrier_t done;
};

/* The thread stays until the run is over: the watcher dies with the thread that made it. */
static void *run_on_other(void *arg) {
    struct other *other = arg;
    run_f(other->output, other->what, 0);
    if (!strstr(other->what, "free"))
        run_f(other->output, "other thread, in process", BS_REQUEST_IN_PROCESS);
    return NULL;
}

static void run_on_other_thread(FILE *output, const char *what) {
    struct other other = {.output = output, .what = what};
    pthread_t thread;
    if (!pthread_create(&thread, NULL, run_on_other, &other))
        pthread_join(thread, NULL);
}

static void run_child(const char *libpython, FILE *output) {
    if (!load(libpython)) {
        fprintf(output, "not loaded: %s\n", dlerror());
        return;
    }
    run_f(output, "before", 0);
    run_f(output, "before, in process", BS_REQUEST_IN_PROCESS);
    in.initialize(0);
    in.run("def f(): return 1");
    run_f(output, "holding", 0);
    run_f(output, "holding, in process", BS_REQUEST_IN_PROCESS);
    in.set_error(*in.key_error, "pending");
    run_f(output, "pending", 0);
    run_f(output, "pending, in process", BS_REQUEST_IN_PROCESS);
    fprintf(output, "still pending: %d\n", in.occurred() == *in.key_error);
    in.clear();
    run_on_other_thread(output, "other thread");
    void *state = in.save_thread();
    run_f(output, "free", 0);
    run_f(output, "free, in process", BS_REQUEST_IN_PROCESS);
    run_f(output, "locked", BS_REQUEST_GIL_LOCKED);
    run_f(output, "locked, in process", BS_REQUEST_GIL_LOCKED | BS_REQUEST_IN_PROCESS);
    run_on_other_thread(output, "other thread, free");
    in.restore_thread(state);
    start_twice(output);
    in.finalize();
    run_f(output, "after", 0);
    run_f(output, "after, in process", BS_REQUEST_IN_PROCESS);
}

static const char expected[] =
    "before: 4 Python is not initialised yet: continue until it runs code\n"
    "before, in process: 4 Python is not initialised yet: continue until it runs code\n"
    "holding: 1 \n"
    "holding, in process: 1 \n"
    "pending: 1 \n"
    "pending, in process: 1 \n"
    "still pending: 1\n"
    "other thread: 4 another thread holds the GIL: select the thread that holds it, or continue "
    "until none does\n"
    "other thread, in process: 4 another thread holds the GIL: select the thread that holds it, or "
    "continue until none does\n"
    "free: 1 \n"
    "free, in process: 1 \n"
    "locked: 4 this thread is just taking the GIL or dropping it: continue for a moment and try "
    "again\n"
    "locked, in process: 4 this thread is just taking the GIL or dropping it: continue for a moment "
    "and try again\n"
    "other thread, free: 1 \n"
    "never finished: 1 1, SIGINT as before: 1\n"
    "after: 4 Python has been finalised in this process\n"
    "after, in process: 4 Python has been finalised in this process\n";

/* The shared library beside @p interpreter's own executable; false: there is none. */
static bool find_libpython(const struct interpreter *interpreter, char *ret, size_t size) {
    char pattern[512];
    glob_t found;
    const char *slash = strrchr(interpreter->path, '/');
    snprintf(pattern, sizeof(pattern), "%.*s/../lib/libpython3.%u.so.1.0",
             (int)(slash - interpreter->path), interpreter->path, interpreter->python >> 16 & 255);
    if (glob(pattern, 0, NULL, &found))
        return false;
    snprintf(ret, size, "%s", found.gl_pathv[0]);
    globfree(&found);
    return true;
}

static void embed(const struct interpreter *interpreter) {
    char libpython[512], home[512], report[4096] = "";
    int ends[2], status = -1;
    if (!find_libpython(interpreter, libpython, sizeof(libpython))) {
        check_skip(interpreter->version, "a shared libpython");
        return;
    }
    if (!CHECK(!pipe(ends)))
        return;
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        snprintf(home, sizeof(home), "%.*s/..",
                 (int)(strrchr(interpreter->path, '/') - interpreter->path), interpreter->path);
        setenv("PYTHONHOME", home, 1);
        FILE *output = fdopen(ends[1], "w");
        run_child(libpython, output);
        fclose(output);
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t length = 0, got = 1; got > 0; length += got > 0 ? got : 0)
        got = read(ends[0], report + length, sizeof(report) - 1 - (size_t)length);
    close(ends[0]);
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    CHECK_TEXT(report, expected);
}

TEST(embed, refuses_with_a_reason_what_cannot_be) {
    interpreters_each(embed);
}
