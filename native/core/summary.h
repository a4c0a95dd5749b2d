/*
 * A trace summed up: by opcode, by source line or by Python function. Without times there are
 * counts only.
 */
#ifndef BS_CORE_SUMMARY_H
#define BS_CORE_SUMMARY_H

#include "core/timing.h"

enum bs_summary_key {
    BS_SUMMARY_OPCODE,   /* each specialised form by itself, most time first */
    BS_SUMMARY_FAMILY,   /* specialised forms counted with their base form */
    BS_SUMMARY_LINE,     /* in the order of the source, function by function */
    BS_SUMMARY_FUNCTION, /* self time, and time with what it called, most self time first */
};

struct bs_summary_options {
    enum bs_summary_key key;
    uint64_t first, last; /* events, counted from 1, inclusive; both 0: all of them */
    enum bs_statistic statistic;
};

struct bs_error *bs_summary_render(const struct bs_trace *trace,
                                   const struct bs_summary_options *options,
                                   struct bs_buffer *buffer);

#endif
