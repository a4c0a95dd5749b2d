/*
 * The C walk: one run of CALL, one machine instruction at a time, to see which C functions ran
 * under each opcode and how many instructions they took.
 *
 * Phases. The walk comes after the warm-up. It cannot come last: from 3.12 on tracing rewrites the
 * bytecode and throws specialisation away, and the walk is to show what really runs. And it comes
 * before the timing, because how often CALL is repeated there may depend on the clock, and with it
 * when Python next tries to specialise: after a fixed number of calls, the walk of the same
 * program is the same. What it found is written after the trace pass, when every code object that
 * ran has a number.
 *
 * The caller keeps the garbage collector from running meanwhile: a collection would be nothing that
 * CALL did, and would come at another opcode each time.
 *
 * It needs to know where opcodes begin, and finds that out by itself (walk_dispatch.h): nothing is
 * patched, and it works with either engine.
 *
 * Only in a clone: in the inferior itself a debugger would take every trap for its own.
 */
#ifndef BS_AGENT_WALK_H
#define BS_AGENT_WALK_H

#include "agent/codes.h"
#include "agent/output.h"
#include "format/request.h"

#include <stdbool.h>

/* Instructions that are walked at most, whatever the request says: each takes 24 bytes. */
#define BS_WALK_MAX (16u << 20)

struct walk;

/*
 * Get ready for what @p request asks, before the warm-up: this runs Python code of its own. NULL:
 * no memory. Where nothing can be walked, the result knows why, and bs_walk_write will say it.
 * Needs the GIL, and no exception set.
 */
struct walk *bs_walk_create(const struct bs_request *request, struct bs_shared *shared);
void bs_walk_destroy(struct walk *walk);

/*
 * Run @p call once: stepped for at most request->max_walk instructions, and on from there at full
 * speed; not stepped at all where that is not possible. It calls Python and does nothing else: what
 * it does itself is not counted, but the functions that it calls are. An exception that it leaves
 * stays set. `done` and `total` of the shared mapping tell how far it is. A child that CALL forks
 * comes out of here too, unstepped.
 */
void bs_walk_run(struct walk *walk, void (*call)(void *), void *arg);

/* After the trace pass: write CALLS, and what the header says of the walk. */
void bs_walk_write(struct walk *walk, const struct codes *codes, struct output *output);
/* Instead, where there was none: say @p why. */
void bs_walk_write_missing(struct output *output, const char *why);

#endif
