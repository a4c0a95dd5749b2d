/*
 * Which steps belong to which event. With the settrace engine there is one step for each opcode
 * event. The probe's steps are dispatches: a superinstruction is one step for two events, and
 * EXTENDED_ARG, RESUME and their like are steps without an event. So the two are matched by code
 * and instruction, not by count, and a stretch that does not match is passed over on both sides.
 */
#ifndef BS_CORE_MERGE_H
#define BS_CORE_MERGE_H

#include "core/trace.h"

/* Fill trace->merge, all else of @p trace being ready. Never fails for what steps say. */
struct bs_error *bs_merge_init(struct bs_trace *trace);
void bs_merge_deinit(struct bs_merge *merge);

#endif
