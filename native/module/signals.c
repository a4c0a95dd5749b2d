/* What waits in the kernel when a call begins: a debugger may lose it, and then sends it again. */
#include "module/module.h"

#include "command/process.h"

#include <signal.h>

/* SIGSTOP is the debugger's own, and the first two real-time signals are of glibc (nptl(7)). */
static const int never_sent[] = {SIGKILL, SIGSTOP, 32, 33};

PyObject *bs_module_waiting_signals(PyObject *module, PyObject *args) {
    int tid, or_thread;
    if (!PyArg_ParseTuple(args, "ip:waiting_signals", &tid, &or_thread))
        return NULL;
    uint64_t waiting = bs_process_waiting(tid, or_thread);
    for (size_t i = 0; i < sizeof(never_sent) / sizeof(never_sent[0]); i++)
        waiting &= ~(1ull << (never_sent[i] - 1));
    PyObject *numbers = PyList_New(0);
    for (int number = 1; numbers && number <= 64; number++) {
        _cleanup_decref_ PyObject *item =
            waiting >> (number - 1) & 1 ? PyLong_FromLong(number) : NULL;
        if (item && PyList_Append(numbers, item))
            Py_CLEAR(numbers);
    }
    return numbers;
}
