/*
 * The listing of a trace: every event, in order, indented by depth. Its text is fixed for traces
 * (tests/golden); a profile has the same lines with a time beside each opcode, after a header of
 * statistics. What stands to the right of an opcode is a row of a table of columns in listing.c:
 * to add a column, add a row.
 */
#ifndef BS_CORE_LISTING_H
#define BS_CORE_LISTING_H

#include "core/timing.h"

/* What is shown of the C functions under an opcode, where there was a walk. */
enum bs_listing_native {
    BS_LISTING_NATIVE_NONE,
    BS_LISTING_NATIVE_LEAF, /* how much ran, and the heaviest function, beside it */
    BS_LISTING_NATIVE_TREE, /* all of them, below it */
};

struct bs_listing_options {
    uint64_t first, last; /* events, counted from 1, inclusive; both 0: all of them */
    enum bs_statistic statistic;
    enum bs_listing_native native;
    bool adaptive;  /* show the specialised form that ran */
    bool no_times;  /* show a profile as if it were a trace */
    bool no_header; /* leave out the statistics of a profile */
};

/*
 * Append the listing of @p trace to @p buffer, which may have a sink; its errors are the buffer's.
 * Fails with BS_ERROR_USAGE when there is no such event.
 */
struct bs_error *bs_listing_render(const struct bs_trace *trace,
                                   const struct bs_listing_options *options,
                                   struct bs_buffer *buffer);

/* Everything that is known of event @p number, counted from 1. */
struct bs_error *bs_listing_event(const struct bs_trace *trace, uint64_t number,
                                  struct bs_buffer *buffer);

/* The header of statistics alone, ending with its last line; nothing when nothing was timed. */
void bs_listing_statistics(const struct bs_trace *trace, enum bs_statistic statistic,
                           struct bs_buffer *buffer);

#endif
