/*
 * Where opcodes begin, as the walk wants to know it: the addresses of the handlers, and what
 * holds the address of the opcode when one of them begins. Found with the probe's own
 * means (probe/infer.h), but by stepping: nothing is patched.
 */
#ifndef BS_AGENT_WALK_DISPATCH_H
#define BS_AGENT_WALK_DISPATCH_H

#include "agent/probe/holder.h"
#include "agent/probe/places.h"
#include "agent/probe/table.h"
#include "agent/walk_handlers.h"
#include "agent/walk_step.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct walk_dispatch {
    struct walk_handlers handlers;
    /*
     * The jump by which a frame comes to its first opcode, where it leads to another place than the
     * handler's beginning: on 3.10 it is that of a switch, with a table of its own. Else 0.
     */
    uint64_t entry_jump_addr;
    struct bs_holder holder;
    int32_t offset_bytes;    /* from what it holds to the opcode */
    struct bs_places places; /* where bytecode is */
};

/*
 * Find out, with the GIL held and no exception set. NULL, or a clause that says why not. Runs a
 * small Python function of its own, stepped. To be released with bs_walk_dispatch_deinit.
 */
const char *bs_walk_dispatch_find(const struct bs_table_candidate *candidates, size_t count,
                                  struct walk_dispatch *ret);
void bs_walk_dispatch_deinit(struct walk_dispatch *dispatch);

/* Where the opcode is that a handler, about to run at @p step, will execute. */
static inline uint64_t bs_walk_opcode_addr(const struct walk_dispatch *dispatch,
                                           const struct step *step) {
    return bs_holder_read(dispatch->holder, bs_step_register(step, dispatch->holder.index)) +
           (uint64_t)(int64_t)dispatch->offset_bytes;
}

#endif
