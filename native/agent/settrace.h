/*
 * The interpreter's own trace hook, with a C function behind it: installed, armed for opcodes,
 * recognised, removed. There is at most one at a time. Who uses it brings the function.
 *
 * What opcode events want differs between versions; doing all of it everywhere is harmless:
 *  - 3.10, 3.11: f_trace_opcodes of each frame, set in its call event.
 *  - 3.12.1: f_trace_opcodes of the frame from which tracing is switched on, set before.
 *  - 3.12: an instruction once executed under a trace function of the program's, in a frame without
 *    f_trace_opcodes, has its event disabled for good; sys.monitoring.restart_events() enables it.
 *  - 3.13 and later: f_trace of each frame, and then its f_trace_opcodes (Objects/frameobject.c,
 *    frame_settrace_opcodes: it does nothing while there is no f_trace).
 */
#ifndef BS_AGENT_SETTRACE_H
#define BS_AGENT_SETTRACE_H

#include "agent/python.h"

/*
 * Make ready, on a thread whose innermost Python frame is ours. False: no memory, and an exception
 * is set.
 */
bool bs_settrace_init(void);
void bs_settrace_deinit(void);

/*
 * Events of this thread go to @p fn, which must not return an error, from here on. An exception may
 * be set when it is switched off, and stays set.
 */
void bs_settrace_on(trace_fn *fn);
void bs_settrace_off(void);

/* For bs_run_abandon(): `fn` stays registered, and must do nothing; another may be installed. */
void bs_settrace_abandon(void);

/*
 * For `fn`, in a call event: have the opcode events of @p frame. With @p leave_as_it_was, every one
 * is followed by bs_settrace_disarm() in the return event. Leaves no exception set.
 */
void bs_settrace_arm(PyFrameObject *frame, bool leave_as_it_was);
/*
 * For `fn`, in a return event: leave @p frame, which may be resumed later, as it was. It may be a
 * generator's that the program traces.
 */
void bs_settrace_disarm(PyFrameObject *frame);

/*
 * Whether another trace function took the place of ours since it was installed: a program can do
 * that. When the program puts ours back, events go on.
 */
bool bs_settrace_displaced(void);

/* Offset of the current instruction of @p frame in code units. */
uint32_t bs_frame_units(PyFrameObject *frame);

#endif
