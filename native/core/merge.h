/*
 * Which steps belong to which event. With the settrace engine there is one step for each opcode
 * event. The probe's steps are dispatches: they are matched with the events (core/match.h) as far
 * as they are in order, and looked up by instruction from there on.
 */
#ifndef BS_CORE_MERGE_H
#define BS_CORE_MERGE_H

#include "core/trace.h"

/* Fill trace->merge, all else of @p trace being ready. Never fails for what steps say. */
struct bs_error *bs_merge_init(struct bs_trace *trace);
void bs_merge_deinit(struct bs_merge *merge);

#endif
