/*
 * The C walk: one run of CALL, one machine instruction at a time, to see which C functions ran
 * under each opcode and how many instructions they took (DESIGN section 6).
 *
 * Phases. The walk runs after the timing and before the trace pass. Not during either, because
 * both change what runs; and before the trace, because from 3.12 on tracing rewrites the bytecode
 * and throws specialisation away, and the walk is to show what really runs. What it found is
 * written after the trace pass, when every code object that ran is known by number.
 *
 * It needs to know where opcodes begin: the dispatch table and the register that holds the
 * instruction, as the probe finds them (probe/infer.h). It finds them by stepping, so nothing is
 * patched, and does not depend on the engine in use.
 *
 * Only in a clone: in the inferior itself a debugger would take every trap for its own.
 */
#ifndef BS_AGENT_WALK_H
#define BS_AGENT_WALK_H

#include "agent/codes.h"
#include "format/request.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* Steps that a walk may take whatever the request says: 24 bytes each. */
#define BS_WALK_STEPS_MAX (16u << 20)

/*
 * Run @p call once, stepping, at most request->max_walk instructions; it goes on unstepped from
 * there. The caller has warmed CALL up, holds the GIL, and passes a function that calls Python and
 * cleans up after it: it must not leave an exception set. `done` of @p shared counts steps.
 *
 * False: nothing was walked, and @p reason says why, one sentence without a full stop.
 */
bool bs_walk_run(const struct bs_request *request, struct bs_shared *shared, void (*call)(void *),
                 void *arg, char *reason, size_t reason_bytes);

/* What bs_walk_write needs to know of its surroundings: as engine.h's locate. */
typedef bool bs_walk_locate_fn(uint64_t where, uint32_t *ret_code, uint32_t *ret_offset_units);

/*
 * After the trace pass: write what was walked as CALLS into the room of @p bytes at @p ret; the
 * used bytes are returned. Sets the walk's part of @p header.
 */
size_t bs_walk_write(bs_walk_locate_fn *locate, void *ret, size_t bytes,
                     struct bs_image_header *header);

/* Release everything. */
void bs_walk_close(void);

/*
 * For the handler of SIGTRAP: whether this trap is a step, which is then dealt with. False: it is
 * something else, a breakpoint.
 */
bool bs_walk_trap(const siginfo_t *info, void *context);

#endif
