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
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define AGENT BUILD_DIR "/libbytesight_agent.so"

/* Include/cpython/initconfig.h of 3.12 (PyInterpreterConfig) to 3.15, PyStatus */
struct config {
    int use_main_obmalloc, allow_fork, allow_exec, allow_threads, allow_daemon_threads,
        check_multi_interp_extensions, gil;
};
struct status {
    int type;
    const char *function, *message;
    int exit_code;
};
#define GIL_OF_ITS_OWN 2

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
    void *runtime;
    void *(*new_interpreter)(void);
    struct status (*new_interpreter_from_config)(void **, const struct config *);
    void (*end_interpreter)(void *);
    void *(*swap)(void *);
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
    in.runtime = dlsym(python, "_PyRuntime");
    *(void **)&in.new_interpreter = dlsym(python, "Py_NewInterpreter");
    *(void **)&in.new_interpreter_from_config = dlsym(python, "Py_NewInterpreterFromConfig");
    *(void **)&in.end_interpreter = dlsym(python, "Py_EndInterpreter");
    *(void **)&in.swap = dlsym(python, "PyThreadState_Swap");
    return in.start && in.finish && in.initialize && in.finalize && in.run && in.save_thread &&
           in.restore_thread && in.set_error && in.occurred && in.clear && in.key_error &&
           in.runtime && in.new_interpreter && in.end_interpreter && in.swap;
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

/* Run @p request, and write a line to @p output: what it was, how it ended, the text of that. */
static void run_request(FILE *output, const char *what, struct bs_request *request) {
    const uint32_t flags = request->flags;
    int64_t address = in.start(request);
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

static void run_f(FILE *output, const char *what, uint32_t flags) {
    struct bs_request request = request_f(flags);
    run_request(output, what, &request);
}

/* The debugger reads a Python that is not the one whose functions the agent calls, then that. */
static void run_in_other_python(FILE *output) {
    struct bs_request request = request_f(0);
    request.runtime_addr = (uint64_t)(uintptr_t)in.runtime + 1;
    run_request(output, "another Python", &request);
    request.runtime_addr--;
    run_request(output, "this Python", &request);
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

static sigjmp_buf before_crash;

static void leave_crash(int number) {
    siglongjmp(before_crash, 1);
}

/* Below a gap, so that what lies on the stack stays as it is: 3.10 to 3.12 have a pointer there. */
static __attribute__((noinline)) int start_and_run(struct bs_request *request) {
    volatile char gap[1 << 18];
    gap[0] = 0;
    int64_t address = in.start(request);
    return (int)in.run_in_process((void *)(intptr_t)address) + gap[0];
}

/* A crash, as a debugger ends it: the stack is taken away. */
static void crash_in_process(FILE *output, const char *what, uint32_t flags, const char *call) {
    static struct sigaction leave = {.sa_handler = leave_crash};
    struct bs_request request = request_f(flags | BS_REQUEST_IN_PROCESS);
    struct sigaction before;
    request.timeout_ns = 600000000; /* a busy machine needs a while to come to the crash */
    request.warmups = 3;
    request.repeats = 20;
    request.call_bytes = (uint32_t)strlen(call);
    memcpy(request.call, call, strlen(call));
    sigaction(SIGSEGV, &leave, &before);
    if (!sigsetjmp(before_crash, 1))
        fprintf(output, "%s: did not crash: %d\n", what, start_and_run(&request));
    sigaction(SIGSEGV, &before, NULL);
    fprintf(output, "%s: finished: %d\n", what, (int)in.finish(NULL));
}

/* Whether the program goes on as ever after a crash, longer than until the deadline comes again. */
static void go_on_after_crash(FILE *output, const char *what, uint32_t flags, const char *call) {
    struct sigaction interrupt[2], deadline[2];
    sigaction(SIGINT, NULL, &interrupt[0]);
    sigaction(SIGRTMAX, NULL, &deadline[0]);
    crash_in_process(output, what, flags, call);
    sigaction(SIGINT, NULL, &interrupt[1]);
    sigaction(SIGRTMAX, NULL, &deadline[1]);
    int failed = in.run("import time\n"
                        "until = time.monotonic() + 1.3\n"
                        "while time.monotonic() < until: f()\n");
    fprintf(output, "%s: went on: %d, handlers as before: %d %d\n", what, !failed,
            interrupt[0].sa_handler == interrupt[1].sa_handler,
            deadline[0].sa_handler == deadline[1].sa_handler);
}

static const struct crash {
    const char *what, *call;
    uint32_t flags;
} crashes[] = {
    {"trace", "crash(0)", 0},
    {"first run", "crash(0)", BS_REQUEST_PROFILE},
    {"repeat", "crash(30)", BS_REQUEST_PROFILE},
};

/*
 * One for each process, and no run after it: from 3.12 on Python may follow its list of frames into
 * the stack that was taken away when a trace function is installed.
 */
static void crash_once(const char *libpython, FILE *output, int number) {
    const struct crash *crash = &crashes[number];
    if (!load(libpython)) {
        fprintf(output, "not loaded: %s\n", dlerror());
        return;
    }
    in.initialize(0);
    in.run("import ctypes\n"
           "calls = []\n"
           "def f(): return 1\n"
           "def crash(after):\n"
           "    calls.append(1)\n"
           "    return ctypes.string_at(16 if len(calls) > after else b'')\n");
    go_on_after_crash(output, crash->what, crash->flags, crash->call);
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

/* As a debugger finds that this thread runs @p state; told or not. */
static void run_inside(FILE *output, const char *what, uint32_t flags, const void *state) {
    struct bs_request request = request_f(flags | BS_REQUEST_GIL_LOCKED | BS_REQUEST_IN_PROCESS);
    request.warmups = request.repeats = 3;
    request.active_state_addr = (uint64_t)(uintptr_t)state;
    run_request(output, what, &request);
}

/* A trace and a profile in the interpreter of @p sub, which has an f() of its own. */
static void run_in_subinterpreter(FILE *output, void *sub) {
    in.run("import sys\n"
           "def f(): return []\n"
           "before = set(sys.modules)\n");
    run_inside(output, "trace", 0, sub);
    run_inside(output, "profile", BS_REQUEST_PROFILE, sub);
    run_inside(output, "another state", 0, (char *)sub + 8);
    int failed = in.run("import gc\n"
                        "assert set(sys.modules) == before | {'gc'}\n"
                        "assert not sys.gettrace() and not sys.getprofile() and gc.isenabled()\n"
                        "assert type(f()) is list\n");
    fprintf(output, "as before: %d %d\n", !failed, in.swap(sub) == sub);
}

static void *keeper; /* the state of a sub-interpreter that has kept the trace function of a run */

static int call_kept(void) {
    void *state = in.swap(keeper);
    int failed = in.run("assert kept(None, 'line', None) is None");
    in.swap(state);
    return failed;
}

/* What @p sub kept is called while the main interpreter runs a CALL: it gives nothing of that. */
static void keep_trace_function(FILE *output, void *main, void *sub) {
    char source[256];
    in.run("def f():\n"
           "    global kept\n"
           "    kept = sys.gettrace()\n");
    run_inside(output, "keep", 0, sub);
    in.swap(main);
    keeper = sub;
    snprintf(source, sizeof(source),
             "import ctypes\n"
             "call_kept = ctypes.PYFUNCTYPE(ctypes.c_int)(%ju)\n"
             "def f():\n"
             "    assert not call_kept()\n"
             "    return 1\n",
             (uintmax_t)(uintptr_t)call_kept);
    in.run(source);
    run_f(output, "call what is kept", BS_REQUEST_GIL_LOCKED | BS_REQUEST_IN_PROCESS);
    in.run("def f(): return 1");
}

/* Where there is no such thing, one that shares. */
static void *new_interpreter_with_gil(void) {
    static const struct config config = {
        .allow_threads = 1, .check_multi_interp_extensions = 1, .gil = GIL_OF_ITS_OWN};
    void *state = NULL;
    if (!in.new_interpreter_from_config)
        return in.new_interpreter();
    in.new_interpreter_from_config(&state, &config);
    return state;
}

/*
 * While another thread goes on in the main one; neither knows anything of the other. Up to 3.11 it
 * has to give way by itself: who waits in another interpreter does not make it.
 */
static void run_beside_main(FILE *output) {
    in.run("import threading, time\n"
           "rounds, over = 0, False\n"
           "def spin():\n"
           "    global rounds\n"
           "    while not over:\n"
           "        rounds += 1\n"
           "        if not rounds % 1000: time.sleep(0.0001)\n"
           "thread = threading.Thread(target=spin)\n"
           "thread.start()\n");
    void *main = in.swap(NULL);
    in.swap(main);
    void *sub = new_interpreter_with_gil();
    run_in_subinterpreter(output, sub);
    in.end_interpreter(sub);
    in.swap(main);
    int failed = in.run("over = True\n"
                        "thread.join()\n"
                        "assert type(f()) is int\n");
    fprintf(output, "main goes on: %d\n", !failed);
}

/*
 * While this thread runs a sub-interpreter; then the main one beside it, of which no clone can be
 * made; then with the memory of it.
 */
static void run_beside_subinterpreter(FILE *output) {
    void *main = in.swap(NULL);
    in.swap(main);
    void *sub = in.new_interpreter();
    run_f(output, "sub-interpreter", BS_REQUEST_GIL_LOCKED);
    run_inside(output, "not told", 0, NULL);
    run_in_subinterpreter(output, sub);
    keep_trace_function(output, main, sub);
    run_f(output, "beside it, in process", BS_REQUEST_GIL_LOCKED | BS_REQUEST_IN_PROCESS);
    in.swap(sub);
    in.end_interpreter(sub);
    in.swap(main);
    run_f(output, "after it", BS_REQUEST_GIL_LOCKED);
    run_on_other_thread(output, "other thread, after it");
    run_beside_main(output);
}

static void run_child(const char *libpython, FILE *output, int number) {
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
    run_in_other_python(output);
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
    run_beside_subinterpreter(output);
    in.finalize();
    run_f(output, "after", 0);
    run_f(output, "after, in process", BS_REQUEST_IN_PROCESS);
}

#define IN_SUBINTERPRETER                                                                           \
    "this thread runs a sub-interpreter, and not as the debugger found it: go on until it is back " \
    "in the main interpreter\n"
#define INSIDE                                                                                     \
    "trace: 1 list\n"                                                                              \
    "profile: 1 list\n"                                                                            \
    "another state: 4 " IN_SUBINTERPRETER "as before: 1 1\n"

static const char expected[] =
    "before: 4 Python is not initialised yet: continue until it runs code\n"
    "before, in process: 4 Python is not initialised yet: continue until it runs code\n"
    "holding: 1 int\n"
    "holding, in process: 1 int\n"
    "another Python: 4 this process has several Pythons, and the one that the debugger reads is "
    "not the one whose symbols are global: CALL can be run in neither\n"
    "this Python: 1 int\n"
    "pending: 1 int\n"
    "pending, in process: 1 int\n"
    "still pending: 1\n"
    "other thread: 4 another thread holds the GIL: select the thread that holds it, or continue "
    "until none does\n"
    "other thread, in process: 4 another thread holds the GIL: select the thread that holds it, or "
    "continue until none does\n"
    "free: 1 int\n"
    "free, in process: 1 int\n"
    "locked: 4 this thread is just taking the GIL or dropping it: continue for a moment and try "
    "again\n"
    "locked, in process: 4 this thread is just taking the GIL or dropping it: continue for a moment "
    "and try again\n"
    "other thread, free: 1 int\n"
    "never finished: 1 1, SIGINT as before: 1\n"
    "sub-interpreter: 4 " IN_SUBINTERPRETER "not told: 4 " IN_SUBINTERPRETER INSIDE
    "keep: 1 NoneType\n"
    "call what is kept: 1 int\n"
    "beside it, in process: 1 int\n"
    "after it: 1 int\n"
    "other thread, after it: 4 another thread holds the GIL: select the thread that holds it, or "
    "continue until none does\n"
    "other thread, in process: 4 another thread holds the GIL: select the thread that holds it, or "
    "continue until none does\n" INSIDE "main goes on: 1\n"
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

/* What @p run writes in a child, with the @p number it is given. False: there is no child. */
static bool embed_in_child(const struct interpreter *interpreter,
                           void (*run)(const char *, FILE *, int), int number, const char *wanted) {
    char libpython[512], home[512], report[4096] = "";
    int ends[2], status = -1;
    if (!find_libpython(interpreter, libpython, sizeof(libpython))) {
        check_skip(interpreter->name, "a shared libpython");
        return false;
    }
    if (!CHECK(!pipe(ends)))
        return false;
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        snprintf(home, sizeof(home), "%.*s/..",
                 (int)(strrchr(interpreter->path, '/') - interpreter->path), interpreter->path);
        setenv("PYTHONHOME", home, 1);
        FILE *output = fdopen(ends[1], "w");
        setvbuf(output, NULL, _IONBF, 0); /* the child may crash */
        run(libpython, output, number);
        fclose(output);
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t length = 0, got = 1; got > 0; length += got > 0 ? got : 0)
        got = read(ends[0], report + length, sizeof(report) - 1 - (size_t)length);
    close(ends[0]);
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    CHECK_TEXT(report, wanted);
    return true;
}

static void embed(const struct interpreter *interpreter) {
    embed_in_child(interpreter, run_child, 0, expected);
}

TEST(embed, refuses_with_a_reason_what_cannot_be) {
    interpreters_each(embed);
}

static void crash_in_each_way(const struct interpreter *interpreter) {
    for (int i = 0; i < (int)(sizeof(crashes) / sizeof(crashes[0])); i++) {
        char wanted[256];
        snprintf(wanted, sizeof(wanted),
                 "%s: finished: 0\n%s: went on: 1, handlers as before: 1 1\n", crashes[i].what,
                 crashes[i].what);
        if (!embed_in_child(interpreter, crash_once, i, wanted))
            return;
    }
}

TEST(embed, goes_on_after_a_crash_in_process) {
    interpreters_each(crash_in_each_way);
}
