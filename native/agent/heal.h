/*
 * Signals in our own processes.
 *
 * Breakpoints that the debugger had inserted are in their text too, and nobody is there to step
 * over them: a handler of SIGTRAP puts back what the file on disk has there, and goes on. And what
 * ends the worker is noted, with its place, before it does so.
 *
 * The handlers call no function of the C library, in which there may be breakpoints as well.
 */
#ifndef BS_AGENT_HEAL_H
#define BS_AGENT_HEAL_H

#include "format/image.h"

#include <signal.h>
#include <stdbool.h>

/* Handle SIGTRAP and the fatal signals, on a stack of their own, reporting into @p image. */
void bs_heal_install(struct bs_image_header *image);
/* Take these signals out of @p mask: the handlers are of no use while they are blocked. */
void bs_heal_unblock(sigset_t *mask);

/*
 * Whether the instruction at @p addr was a debugger's breakpoint; it is the program's own again.
 * For other handlers of SIGTRAP; async-signal-safe.
 */
bool bs_heal_breakpoint(uint64_t addr);

#endif
