/*
 * Finding what the probe needs in the interpreter that is running, by experiment, and proving it:
 * nothing here depends on symbols, debug information or a list of known builds.
 *
 * Each candidate for the dispatch table is tried: a known function is run under stubs that call us
 * with all registers, which tells what to note (infer.h); then other functions, whose
 * instructions are known, must be recorded exactly.
 */
#ifndef BS_AGENT_PROBE_FIND_H
#define BS_AGENT_PROBE_FIND_H

#include "agent/probe/infer.h"
#include "agent/probe/places.h"
#include "agent/probe/stubs.h"

struct bs_finding {
    struct bs_table table;         /* owned */
    struct bs_stubs stubs;         /* owned: of kind RECORD, not in the table */
    struct bs_inference inference; /* base is 0 */
    struct bs_places places;       /* owned */
};

/*
 * Try the candidates of @p request. False: none was proven, nothing is left behind, and @p reason
 * is one sentence without a full stop. The calling thread, which holds the GIL and is not traced,
 * is the one that the stubs record. Leaves no exception set.
 */
bool bs_find(const struct bs_request *request, struct bs_finding *ret, char *reason,
             size_t reason_bytes);
void bs_finding_deinit(struct bs_finding *finding);

/* The address of the instruction that a record is about. */
static inline uintptr_t bs_finding_place(const struct bs_finding *finding, uint64_t value) {
    return (uintptr_t)value + (uintptr_t)(intptr_t)finding->inference.offset_bytes;
}

#endif
