/*
 * While Ctrl-C is for the program, the debugger's own handler of SIGINT is replaced by one that
 * hands it to a process. LLDB evaluates an expression to its end whatever the user presses; GDB
 * passes an interrupt on, but forgets one that comes just before it resumes the program.
 */
#include "module/module.h"

#include <errno.h>
#include <signal.h>

static volatile sig_atomic_t receiver; /* 0: interrupts are the debugger's */
static struct sigaction debuggers;

static void pass_on(int number) {
    int error = errno;
    kill(receiver, number);
    errno = error;
}

PyObject *bs_module_pass_interrupts(PyObject *module, PyObject *args) {
    const struct sigaction ours = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    int pid;
    if (!PyArg_ParseTuple(args, "i:pass_interrupts", &pid))
        return NULL;
    if (pid && !receiver) {
        receiver = pid;
        sigaction(SIGINT, &ours, &debuggers);
    } else if (!pid && receiver) {
        sigaction(SIGINT, &debuggers, NULL);
        receiver = 0;
    }
    Py_RETURN_NONE;
}
