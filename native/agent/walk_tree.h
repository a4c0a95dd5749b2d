/*
 * From steps to trees. A recording is what was seen before each machine instruction of one run;
 * a forest is what it means: which functions were called, by which opcodes, and how many
 * instructions each executed. Made after the run, in one pass, from the recording alone.
 *
 * A frame is alive while the stack pointer has not risen above the return address that its call
 * pushed. That holds for returns, for unwinding and longjmp over many frames, and for functions
 * that drop their return address. One that goes on in its caller's frame lives as long as that, or
 * until it returns. A frame becomes an evaluator when it dispatches an opcode; each opcode is a
 * tree of its own, and calls that the frame makes belong to the latest.
 *
 * A jump is a tail call when the stack is as at the function's entry and the jump leads to where a
 * function begins; where that is not known, to where the present one has not been yet.
 *
 * A return that no call belongs to is the mark of a switch to another stack (swapcontext, green
 * threads). From there on nothing would be certain, so there the forest ends.
 */
#ifndef BS_AGENT_WALK_TREE_H
#define BS_AGENT_WALK_TREE_H

#include "agent/walk_functions.h"
#include "agent/walk_record.h"
#include "format/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A record of CALLS before code numbers are known. */
struct walk_node {
    uint64_t function_addr, site_addr;
    uint64_t where; /* OPCODE: address of the opcode in its bytecode */
    uint32_t instructions;
    uint32_t tree; /* number of its tree, in the order in which trees began */
    uint16_t depth;
    uint8_t kind; /* enum bs_call_kind */
    uint8_t opcode;
};

struct walk_forest {
    struct walk_node *nodes; /* tree by tree, each in preorder */
    size_t count;
    uint32_t tree_count;
    bool *cut;              /* of each tree: the walk ended in the middle of it */
    uint64_t instructions;  /* that have been accounted for */
    const char *ends_early; /* a clause that says why, or NULL: it is whole or recording.cut */
};

/* False: there is no memory. */
bool bs_forest_grow(const struct walk_recording *recording, const struct walk_functions *functions,
                    struct walk_forest *ret);
void bs_forest_deinit(struct walk_forest *forest);

#endif
