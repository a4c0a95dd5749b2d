/*
 * A Ctrl-C that comes by itself: the only thing that wakes a GDB that waits for a call, before
 * GDB 15 and its direct-call-timeout.
 */
#include "module/module.h"

#include <signal.h>
#include <time.h>

static timer_t timer;
static bool armed;

/* Whether it had come; false also where none was due. */
static bool disarm(void) {
    struct itimerspec left = {};
    if (!armed)
        return false;
    timer_gettime(timer, &left);
    timer_delete(timer);
    armed = false;
    return !left.it_value.tv_sec && !left.it_value.tv_nsec;
}

PyObject *bs_module_interrupt_after(PyObject *module, PyObject *args) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGINT};
    int milliseconds;
    if (!PyArg_ParseTuple(args, "i:interrupt_after", &milliseconds))
        return NULL;
    bool came = disarm();
    const struct itimerspec due = {
        .it_value = {milliseconds / 1000, milliseconds % 1000 * 1000000L}};
    if (milliseconds && !timer_create(CLOCK_MONOTONIC, &event, &timer)) {
        armed = true;
        timer_settime(timer, 0, &due, NULL);
    }
    return PyBool_FromLong(came);
}
