#include "agent/interrupt.h"

#include "agent/syscalls.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REPEAT_NS 500000000ull /* the deadline again, for a CALL that catches everything */

static struct sigaction programs; /* for SIGINT */
static atomic_bool pressed, due, taken;
static bool on_main_thread, raised;
static const struct bs_shared *run; /* that is under way, while `taken` */
static unsigned long ident;         /* of the thread, as its state has it */

/* Where a run that was cut short leaves it for others to find. */
static struct {
    int timer;                 /* -1: none */
    struct sigaction programs; /* for SIGRTMAX */
    pid_t thread;
    bool was_blocked; /* the signal, on that thread */
} deadline = {.timer = -1};

static void raise_in_call(void) {
    if (on_main_thread)
        PyErr_SetInterrupt();
    else
        atomic_store(&due, true);
}

static void on_signal(int number) {
    int error = errno;
    if (number == SIGINT)
        atomic_store(&pressed, true);
    /* A call that crashed is cancelled before its stack goes and this thread runs again. */
    if (atomic_load(&taken) && !atomic_load(&run->cancel))
        raise_in_call();
    errno = error;
}

static const struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

void bs_interrupt_catch(void) {
    atomic_store(&pressed, false);
    atomic_store(&taken, false);
    struct sigaction before;
    sigaction(SIGINT, &ours, &before);
    if (before.sa_handler != on_signal) /* of a run that was never finished */
        programs = before;
}

void bs_interrupt_release(void) {
    sigaction(SIGINT, &programs, NULL);
    atomic_store(&pressed, false);
}

bool bs_interrupt_pressed(struct failure *failure) {
    return atomic_load(&pressed) && !bs_fail(failure, BS_OUTCOME_INTERRUPTED, "%s", "");
}

void bs_interrupt_raise(void) {
    if (!atomic_load_explicit(&due, memory_order_relaxed) || !atomic_exchange(&due, false))
        return;
    PyThreadState_SetAsyncExc(ident, PyExc_KeyboardInterrupt);
    raised = true;
}

/*
 * Run something that does nothing, so that what was raised comes out here if it has not yet. Taking
 * it back, PyThreadState_SetAsyncExc(NULL), leaves the flag that makes Python look for it set for
 * good (Python/ceval.c of 3.11), on which its evaluator spins while tracing.
 */
static void let_out(void) {
    _object_ names = PyDict_New();
    _object_ code = Py_CompileString("0", "<bytesight>", Py_eval_input);
    _object_ none = names && code ? PyEval_EvalCode(code, names, names) : NULL;
    PyErr_Clear();
}

/*
 * signal.signal(SIGINT, handler): what was there, or NULL off the main thread. It puts Python's
 * handler where ours is; meanwhile a Ctrl-C waits.
 */
static PyObject *set_handler(PyObject *handler) {
    sigset_t interrupt, before_mask;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, &before_mask);
    while (PyErr_CheckSignals()) /* it would not set anything */
        PyErr_Clear();
    _object_ set = bs_module_attr("_signal", "signal");
    PyObject *before = set && handler ? PyObject_CallFunction(set, "iO", SIGINT, handler) : NULL;
    PyErr_Clear();
    sigaction(SIGINT, &ours, NULL);
    sigprocmask(SIG_SETMASK, &before_mask, NULL);
    return before;
}

static struct timespec time_of(uint64_t ns) {
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = ns % 1000000000};
}

static sigset_t deadline_signal(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMAX);
    return set;
}

/* By system call: the C library's functions are in another library before glibc 2.34. */
static void start_deadline(uint64_t ns) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMAX};
    const struct itimerspec when = {time_of(REPEAT_NS), time_of(ns)};
    const sigset_t set = deadline_signal();
    sigset_t before;
    int timer;
    event._sigev_un._tid = deadline.thread = bs_sys_gettid();
    if (!ns || syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer))
        return;
    deadline.timer = timer;
    sigaction(SIGRTMAX, &ours, &deadline.programs);
    /* A thread of a library has all signals blocked, as a rule. */
    sigprocmask(SIG_UNBLOCK, &set, &before);
    deadline.was_blocked = sigismember(&before, SIGRTMAX);
    syscall(SYS_timer_settime, timer, 0, &when, NULL);
}

/* One that is still to be delivered is forgotten, by ignoring it, and does not end the program. */
static void stop_deadline(void) {
    static const struct sigaction ignored = {.sa_handler = SIG_IGN};
    const sigset_t set = deadline_signal();
    if (deadline.timer == -1)
        return;
    syscall(SYS_timer_delete, deadline.timer);
    deadline.timer = -1;
    if (deadline.was_blocked && bs_sys_gettid() == deadline.thread)
        sigprocmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGRTMAX, &ignored, NULL);
    sigaction(SIGRTMAX, &deadline.programs, NULL);
}

void bs_interrupt_take(struct interrupt *ret, const struct bs_shared *shared,
                       const struct bs_request *request) {
    /* Elsewhere Python handles no signals, and `_signal`, imported for it, would stay. */
    const bool of_main = PyInterpreterState_Get() == bs_python.PyInterpreterState_Main();
    _object_ default_handler = of_main ? bs_module_attr("_signal", "default_int_handler") : NULL;
    atomic_store(&due, false);
    ret->handler = default_handler ? set_handler(default_handler) : NULL;
    on_main_thread = ret->handler;
    raised = false;
    ident = request->active_ident ? request->active_ident : PyThread_get_thread_ident();
    run = shared;
    atomic_store(&taken, true);
    start_deadline(request->timeout_ns);
    PyErr_Clear();
    if (atomic_load(&pressed))
        raise_in_call();
}

void bs_interrupt_abandon(void) {
    atomic_store(&taken, false);
    atomic_store(&due, false);
    stop_deadline();
}

void bs_interrupt_give_back(struct interrupt *interrupt) {
    stop_deadline();
    atomic_store(&taken, false);
    if (raised)
        let_out();
    while (PyErr_CheckSignals())
        PyErr_Clear();
    if (interrupt->handler && interrupt->handler != Py_None) {
        _object_ default_handler = set_handler(interrupt->handler);
    }
    bs_set(&interrupt->handler, NULL);
}
