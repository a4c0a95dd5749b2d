#include "core/range.h"

#include <inttypes.h>

struct bs_error *bs_range_find(const struct bs_trace *trace, uint64_t first, uint64_t last,
                               size_t *ret_first, size_t *ret_end) {
    size_t count = trace->event_count;
    if (!first && !last) {
        *ret_first = 0;
        *ret_end = count;
        return NULL;
    }
    if (!count)
        return bs_error_create(BS_ERROR_USAGE, "the trace has no events");
    if (last == UINT64_MAX && first > count)
        return bs_error_create(
            BS_ERROR_USAGE,
            "there are no events from %" PRIu64 " on: the trace has events 1 to %zu", first, count);
    if (!first || first > last || first > count)
        return bs_error_create(BS_ERROR_USAGE,
                               "there are no events %" PRIu64 " to %" PRIu64
                               ": the trace has events 1 to %zu",
                               first, last, count);
    *ret_first = first - 1;
    *ret_end = last < count ? last : count;
    return NULL;
}

void bs_range_print(struct bs_buffer *buffer, const struct bs_trace *trace, size_t first,
                    size_t end) {
    if (first > 0 || end < trace->event_count)
        bs_buffer_format(buffer, ", events %zu to %zu", first + 1, end);
}
