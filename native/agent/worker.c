/*
 * The worker: a copy of the inferior with one thread, cut off from what it must not touch, in
 * which CALL is run.
 */
#include "agent/child.h"
#include "agent/copy/descriptors.h"
#include "agent/copy/pools.h"
#include "agent/copy/shared_memory.h"
#include "agent/copy/thread_states.h"
#include "agent/garbage.h"
#include "agent/gil.h"
#include "agent/heal.h"
#include "agent/last_words.h"
#include "agent/output.h"
#include "agent/process.h"
#include "agent/run.h"
#include "agent/syscalls.h"
#include "agent/value_stack.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TRIED_BYTES 8192 /* glibc: tcache ends at 1032 bytes, mmap begins at 128 KiB */
#define GAP_BYTES   (16 << 10)
/* Of /proc/PID/task, besides one for each thread: proc_task_getattr() in Linux's fs/proc/base.c. */
#define TASK_LINKS 2

#define TOO_MANY_FILES                                                                             \
    "the process can open hardly any more files, and its copy would share those that it has: let " \
    "it open more of them, as with `prlimit --pid PID --nofile=N`"

static void enter(struct control *control, enum stage stage) {
    atomic_store(&control->stage, stage);
}

/* If CALL uses up all memory, it is this process that is to be killed for it. */
static void prefer_to_be_killed(void) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t written = write(fd, "1000", 4);
    (void)written;
    close(fd);
}

/* No core file when CALL crashes: 1 also keeps programs that collect cores from being started. */
static void leave_no_core(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) || limit.rlim_max < 1)
        return;
    limit.rlim_cur = 1;
    setrlimit(RLIMIT_CORE, &limit);
}

/*
 * Take and give back a block that is too large for the thread's own store: were the heap locked by
 * a thread that is not here, the watcher would say so now, not when the time is up.
 */
static void try_memory(void) {
    void *volatile block = malloc(TRIED_BYTES);
    free(block);
}

/* Whether @p pid has more than one thread. */
static bool has_threads(pid_t pid) {
    char path[32];
    struct stat status = {.st_nlink = 0};
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bs_sys_fstat(fd, &status);
    close(fd);
    return status.st_nlink > TASK_LINKS + 1;
}

/* What a copy with one thread cannot do as the process did. */
static void do_without_threads(const struct control *control, struct bs_image_header *image) {
    if (!has_threads(control->parent_pid))
        return;
    image->flags |= BS_IMAGE_THREADS;
    if (bs_pools_do_without())
        image->flags |= BS_IMAGE_POOLS;
}

static void leave_at_once(int status, void *arg) {
    _exit(status);
}

/*
 * When CALL calls the C library's exit(), what the program wrote and has not flushed yet must not
 * be written a second time, nor may its exit handlers run. What is registered last is called first.
 */
static void catch_exit(void) {
    int (*register_exit)(void (*)(int, void *), void *);
    void *found = dlsym(RTLD_DEFAULT, "on_exit"); /* not in every C library */
    memcpy(&register_exit, &found, sizeof(register_exit));
    if (register_exit)
        register_exit(leave_at_once, NULL);
}

/* The mask of the thread that was copied, but for the signals that we handle ourselves. */
static void restore_mask(const struct control *control) {
    sigset_t mask = control->mask;
    bs_heal_unblock(&mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* It opens some itself, where the program may be at its limit; which CALL is to have, too. */
static bool isolate_memory_and_files(struct control *control) {
    struct rlimit limit;
    const bool limited = !getrlimit(RLIMIT_NOFILE, &limit);
    if (limited)
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){limit.rlim_max, limit.rlim_max});
    bool separate = bs_descriptors_separate(control->parent_pid, control->standard_error,
                                            &bs_control_image(control)->flags);
    bs_shared_memory_protect(control);
    if (limited)
        setrlimit(RLIMIT_NOFILE, &limit);
    return separate;
}

static bool isolate(struct control *control) {
    bs_heal_install(bs_control_image(control));
    restore_mask(control);
    leave_no_core();
    prefer_to_be_killed();
    bool separate = isolate_memory_and_files(control);
    bs_child_watch();
    return separate;
}

static bool is_isolated(const struct control *control) {
    return !(control->request.flags & BS_REQUEST_IN_PROCESS);
}

/* Of a signal that comes here Python tells, by a pipe, the event loop of the program. */
static void wake_nobody(void) {
    struct pending pending = bs_pending_save();
    _object_ set = bs_module_attr("_signal", "set_wakeup_fd");
    _object_ before = set ? PyObject_CallFunction(set, "i", -1) : NULL;
    bs_pending_restore(&pending);
}

/*
 * Python is told that it was forked only now, in the child: BeforeFork takes the import lock and
 * runs hooks, which has no place in the inferior. Names are read before, because the states of all
 * other threads are out of reach then.
 */
static bool run_with_gil(struct control *control, struct names *names, struct failure *failure) {
    enter(control, STAGE_NAMES);
    if (!bs_names_open(names, &control->request, failure))
        return false;
    if (is_isolated(control)) {
        enter(control, STAGE_WAITERS);
        bs_gil_hand_over_once();
        enter(control, STAGE_HOOKS);
        bs_thread_states_keep(&control->request);
        bs_python.PyOS_BeforeFork();
        bs_python.PyOS_AfterFork_Child();
        bs_garbage_keep_theirs();
        wake_nobody();
    }
    enter(control, STAGE_RUN);
    atomic_store(&control->shared.state, BS_STATE_RUNNING);
    bs_run(&control->request, &control->shared, names);
    return true;
}

/* Why Python cannot be run on this thread, or NULL. */
static const char *why_not(const struct control *control, enum gil gil) {
    if (gil == GIL_BETWEEN)
        return GIL_CHANGING;
    if (gil == GIL_ELSEWHERE || (gil == GIL_INSIDE && is_isolated(control)))
        return GIL_IN_SUBINTERPRETER;
    /* Where it is not known the watcher waits with us; in our own process nobody does. */
    if (gil == GIL_THEIRS || (gil == GIL_UNKNOWN && !is_isolated(control)))
        return GIL_HELD;
    return NULL;
}

static bool run(struct control *control, struct failure *failure) {
    struct names names;
    enter(control, STAGE_LOOKUP);
    const char *unusable = bs_python_open(control->request.runtime_addr);
    if (unusable)
        return bs_fail(failure, BS_OUTCOME_REFUSED, "%s", unusable);
    enter(control, STAGE_GIL);
    enum gil gil = bs_gil_state(&control->request);
    unusable = why_not(control, gil);
    if (unusable)
        return bs_fail(failure, BS_OUTCOME_REFUSED, "%s", unusable);
    if (gil == GIL_OURS && is_isolated(control))
        bs_gil_forget_waiters(control->request.gil_addr);
    /* In a sub-interpreter all is as it has to be; and this takes the state of the main one. */
    PyGILState_STATE state = gil == GIL_INSIDE ? PyGILState_LOCKED : PyGILState_Ensure();
    if (is_isolated(control))
        PyGC_Disable(); /* until it knows what not to collect */
    bs_value_stack_lend(&control->request);
    struct pending pending = bs_pending_save();
    bool ran = run_with_gil(control, &names, failure);
    if (!is_isolated(control)) { /* a clone ends, and gives nothing back */
        bs_names_close(&names);
        bs_pending_restore(&pending);
        bs_value_stack_take_back();
        if (gil != GIL_INSIDE)
            PyGILState_Release(state);
    }
    return ran;
}

static void run_or_say_why_not(struct control *control) {
    struct failure failure = {};
    if (!run(control, &failure))
        bs_output_outcome(bs_control_image(control), failure.outcome, failure.message);
    atomic_store(&control->finished, 1);
}

_Noreturn void bs_work(struct control *control) {
    if (!isolate(control)) {
        bs_output_outcome(bs_control_image(control), BS_OUTCOME_REFUSED, TOO_MANY_FILES);
        atomic_store(&control->finished, 1);
        _exit(0);
    }
    enter(control, STAGE_MEMORY);
    try_memory();
    enter(control, STAGE_LOOKUP);
    catch_exit();
    bs_last_words_listen(control);
    enter(control, STAGE_POOLS);
    do_without_threads(control, bs_control_image(control));
    run_or_say_why_not(control);
    _exit(0);
}

/*
 * Up to 3.12 Python points to the stack of the evaluation that is innermost. When CALL crashed and
 * the debugger took its stack away (run.h), the program goes on with that pointer: so what it
 * points to lies below a gap, where the next few calls do not come.
 */
static __attribute__((noinline)) void run_below_a_gap(struct control *control) {
    char gap[GAP_BYTES];
    run_or_say_why_not(control);
    __asm__ volatile("" : : "r"(gap) : "memory"); /* until here it is there */
}

void bs_work_in_process(struct control *control) {
    run_below_a_gap(control);
    atomic_store(&control->shared.state, BS_STATE_DONE);
}
