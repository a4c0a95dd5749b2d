/*
 * Ctrl-C and the deadline while CALL runs in the inferior itself, where no watcher can end it. The
 * debugger passes Ctrl-C on to the program (BS_CALL_PASS_INTERRUPT of command/host.h), which finds
 * our handler there before and after; a timer of ours stands for the deadline. Either raises
 * KeyboardInterrupt in CALL: on Python's main thread at once, as Ctrl-C does there, on another one,
 * and in a sub-interpreter, with the next event that is traced. What never comes back to Python
 * goes on.
 *
 * The timer's signal is SIGRTMAX, unblocked on this thread meanwhile. A program that sends itself
 * this very signal while CALL runs loses it.
 */
#ifndef BS_AGENT_INTERRUPT_H
#define BS_AGENT_INTERRUPT_H

#include "agent/failure.h"
#include "agent/python.h"
#include "format/request.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* What was there before. */
struct interrupt {
    PyObject *handler; /* Python's own of SIGINT; NULL where it handles none */
};

/*
 * Catch SIGINT, and give it back. By system calls alone. What is caught outside of take and
 * give_back is only remembered: by bs_interrupt_pressed(), and for the next take.
 */
void bs_interrupt_catch(void);
void bs_interrupt_release(void);

/*
 * With the GIL, to end the run of @p request, which may have a deadline. Nothing is raised any more
 * once @p shared says `cancel`. Leaves no exception.
 */
void bs_interrupt_take(struct interrupt *ret, const struct bs_shared *shared,
                       const struct bs_request *request);
/* An interruption that came too late to be raised is forgotten. */
void bs_interrupt_give_back(struct interrupt *interrupt);
/* For bs_run_abandon(). The handler that Python itself keeps for SIGINT is not given back. */
void bs_interrupt_abandon(void);

/* Whether Ctrl-C was pressed since it is caught: then it is the @p failure, whatever was. */
bool bs_interrupt_pressed(struct failure *failure);
/* In each traced event: raise what could not be at once, as soon as Python looks. */
void bs_interrupt_raise(void);

#endif
