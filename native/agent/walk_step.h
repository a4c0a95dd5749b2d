/*
 * Stepping: run a function one machine instruction at a time, in this thread, with the trap flag.
 * Before each instruction a callback looks at it.
 *
 * What the stepped code does to itself is dealt with here: it may block or catch SIGTRAP (told
 * yes, not done), start threads and processes (they go on unstepped), push the flags (the trap flag
 * is taken out), receive signals (their handlers run unstepped). A trap that is no step goes to the
 * handler that was there before. String instructions run at once, in another place (walk_repeat.h).
 *
 * The system does not trap after a system call but after the instruction that follows it, so of
 * that one instruction the callback sees nothing.
 */
#ifndef BS_AGENT_WALK_STEP_H
#define BS_AGENT_WALK_STEP_H

#include "agent/walk_insn.h"

#include <stdbool.h>
#include <stdint.h>

/* What is about to run. */
struct step {
    uint64_t pc_addr, stack_addr; /* stack_addr: the stack pointer */
    enum insn_kind kind;
    const void *context; /* for bs_step_register */
};

/* NULL, or a clause that says why nothing is ever stepped on this architecture. */
const char *bs_step_unsupported(void);

/* Registers are numbered as in probe/holder.h: as instructions encode them. */
uint64_t bs_step_register(const struct step *step, int index);
/* Of an INSN_SYSCALL: which one. */
uint64_t bs_step_system_call(const struct step *step);

/* Where the stepped code is when a signal comes at @p pc_addr. */
uint64_t bs_step_place(uint64_t pc_addr);

/*
 * Called in a signal handler, in the middle of anything: only reads and writes memory.
 * False: enough; what is left runs unstepped.
 */
typedef bool step_fn(void *arg, const struct step *step);

/*
 * Run @p call(@p call_arg), with @p seen(@p seen_arg) before each of its instructions, the first
 * one included. NULL, or a clause that says why there is no stepping here; then @p call was not
 * run. One walk at a time in a process.
 */
const char *bs_step_run(void (*call)(void *), void *call_arg, step_fn *seen, void *seen_arg);

#endif
