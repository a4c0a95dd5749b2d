/* A part of a trace, as users name it. */
#ifndef BS_CORE_RANGE_H
#define BS_CORE_RANGE_H

#include "core/buffer.h"
#include "core/trace.h"

/*
 * The events from number @p first to number @p last, as users count them, as numbers from 0 with an
 * exclusive end; 0 and 0 are all of them. What is past the last event is left off; BS_ERROR_USAGE
 * when none is left.
 */
struct bs_error *bs_range_find(const struct bs_trace *trace, uint64_t first, uint64_t last,
                               size_t *ret_first, size_t *ret_end);

/* ", events 3 to 9" for a title over a part; over all of a trace, nothing. */
void bs_range_print(struct bs_buffer *buffer, const struct bs_trace *trace, size_t first,
                    size_t end);

#endif
