#include "agent/copy/thread_states.h"

#include "agent/python.h"

void bs_thread_states_keep(const struct bs_request *request) {
    PyInterpreterState *interpreter = bs_python.PyInterpreterState_Main();
    PyThreadState *ours = PyThreadState_Get();
    PyThreadState **head = (void *)((char *)interpreter + request->interpreter_threads_head);
    PyThreadState **next = (void *)((char *)ours + request->thread_next);
    if (!request->interpreter_threads_head ||
        *head != bs_python.PyInterpreterState_ThreadHead(interpreter) ||
        *next != bs_python.PyThreadState_Next(ours))
        return;
    /* The way back from a state to the one before it is of use to nobody. */
    *head = ours;
    *next = NULL;
}
