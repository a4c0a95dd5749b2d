#include "agent/gil.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 100000 /* of a list that may be broken */

/*
 * Where a thread state says that it is the active one (Include/cpython/pystate.h, _status.active):
 * rows by minor version. Before 3.12 the runtime names the active one.
 */
static const struct active_row {
    int minor_from, minor_to;
    size_t offset;
    uint32_t bit;
} rows[] = {
    {12, 12, 24, 1u << 4},
    {13, 15, 32, 1u << 4},
};

static int minor_version(void) {
    const char *dot = strchr(Py_GetVersion(), '.');
    return dot ? atoi(dot + 1) : 0;
}

static bool is_active(const PyThreadState *state, const struct active_row *row) {
    uint32_t status;
    memcpy(&status, (const char *)state + row->offset, sizeof(status));
    return status & row->bit;
}

/* Whether a thread state of the main interpreter other than ours is active. */
static bool another_is_active(const struct active_row *row) {
    const PyThreadState *ours = PyGILState_GetThisThreadState();
    PyInterpreterState *interpreter = bs_python.PyInterpreterState_Main();
    PyThreadState *state =
        interpreter ? bs_python.PyInterpreterState_ThreadHead(interpreter) : NULL;
    for (int i = 0; state && i < THREADS_MAX; i++) {
        if (state != ours && is_active(state, row))
            return true;
        state = bs_python.PyThreadState_Next(state);
    }
    return false;
}

/* The state that PyGILState_Ensure() goes by on this thread is of the main interpreter, or none. */
static bool is_of_main(PyThreadState *ours) {
    return !ours || PyThreadState_GetInterpreter(ours) == bs_python.PyInterpreterState_Main();
}

/* Up to 3.11 there is one lock, and one active state, whichever thread's it is. */
static enum gil state_of_one(const PyThreadState *current, bool locked) {
    if (!current)
        return locked ? GIL_BETWEEN : GIL_OURS;
    if (current == PyGILState_GetThisThreadState())
        return GIL_OURS;
    return locked ? GIL_ELSEWHERE : GIL_THEIRS;
}

/* Later on @p current is this thread's, and those of others say themselves that they are active. */
static enum gil state_of_many(const PyThreadState *current, int minor, bool locked) {
    if (current)
        return current == PyGILState_GetThisThreadState() ? GIL_OURS : GIL_ELSEWHERE;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (minor < rows[i].minor_from || minor > rows[i].minor_to)
            continue;
        if (another_is_active(&rows[i]))
            return GIL_THEIRS;
        return locked ? GIL_BETWEEN : GIL_OURS;
    }
    return GIL_UNKNOWN;
}

static bool current_is_known(void) {
    return bs_python.PyThreadState_GetUnchecked || bs_python._PyThreadState_UncheckedGet;
}

static const PyThreadState *current_state(void) {
    return bs_python.PyThreadState_GetUnchecked ? bs_python.PyThreadState_GetUnchecked()
                                                : bs_python._PyThreadState_UncheckedGet();
}

/*
 * PyGILState_Check() cannot be asked: once there has been a sub-interpreter it says yes always. And
 * PyGILState_Ensure() waits for ever where this thread holds the GIL by another state than the one
 * that it goes by. So what counts is the active state itself.
 */
enum gil bs_gil_state(const struct bs_request *request) {
    const int minor = minor_version();
    const bool locked = request->flags & BS_REQUEST_GIL_LOCKED;
    const PyThreadState *current = current_is_known() ? current_state() : NULL;
    if (locked && current && (uintptr_t)current == request->active_state_addr)
        return GIL_INSIDE;
    if (request->active_state_addr || !is_of_main(PyGILState_GetThisThreadState()))
        return GIL_ELSEWHERE;
    if (!current_is_known())
        return GIL_UNKNOWN;
    return minor < rows[0].minor_from ? state_of_one(current, locked)
                                      : state_of_many(current, minor, locked);
}

/*
 * The lock: struct _gil_runtime_state in Include/internal/pycore_gil.h, the same from 3.10 on. The
 * test inspect_layout asks every Python whose headers there are.
 */
struct lock {
    unsigned long interval;
    void *holder;
    int locked;
    unsigned long switches;
    pthread_cond_t dropped;
    pthread_mutex_t mutex;
    pthread_cond_t taken;
    pthread_mutex_t taken_mutex;
};

void bs_gil_forget_waiters(uint64_t gil_addr) {
    struct lock *lock = (struct lock *)(uintptr_t)gil_addr;
    pthread_condattr_t monotonic; /* as Python makes them */
    if (!lock)
        return;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&lock->dropped, &monotonic);
    pthread_mutex_init(&lock->mutex, NULL);
    pthread_cond_init(&lock->taken, &monotonic);
    pthread_mutex_init(&lock->taken_mutex, NULL);
    pthread_condattr_destroy(&monotonic);
}

static void *take_once(void *arg) {
    PyGILState_Release(PyGILState_Ensure());
    return arg;
}

/* Signals are for the thread that was copied; but it may run into a breakpoint (heal.h). */
static bool start_taker(pthread_t *ret) {
    sigset_t others, mask;
    sigfillset(&others);
    sigdelset(&others, SIGTRAP);
    pthread_sigmask(SIG_SETMASK, &others, &mask);
    bool started = !pthread_create(ret, NULL, take_once, NULL);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return started;
}

void bs_gil_hand_over_once(void) {
    const PyThreadState *ours = PyGILState_GetThisThreadState();
    PyThreadState *newest =
        bs_python.PyInterpreterState_ThreadHead(bs_python.PyInterpreterState_Main());
    pthread_t taker;
    bool alone = newest == ours && !bs_python.PyThreadState_Next(newest);
    if (alone || !start_taker(&taker))
        return; /* nobody asked; or it may go well without */
    PyThreadState *state = PyEval_SaveThread();
    pthread_join(taker, NULL);
    PyEval_RestoreThread(state);
}
