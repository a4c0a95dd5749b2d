/*
 * The progress line: what is being done, how far, for how long. Redrawn at most ten times a second,
 * and removed whatever happens.
 */
#ifndef BS_COMMAND_PROGRESS_H
#define BS_COMMAND_PROGRESS_H

#include "command/host.h"

struct bs_progress {
    const struct bs_host *host;
    uint64_t started_ns, drawn_ns; /* CLOCK_MONOTONIC; drawn_ns 0: nothing on the screen */
};

void bs_progress_init(struct bs_progress *progress, const struct bs_host *host);
/* Remove the line, if one was drawn. */
void bs_progress_deinit(struct bs_progress *progress);
#define _cleanup_progress_ _cleanup_(bs_progress_deinit)

/* Show that @p done of @p total of @p what has been done; @p total 0 where not known. */
void bs_progress_update(struct bs_progress *progress, const char *what, uint64_t done,
                        uint64_t total);

/* The text of the line, at most 79 columns, into @p ret of @p size. */
void bs_progress_text(const char *what, uint64_t done, uint64_t total, uint64_t elapsed_ns,
                      char *ret, size_t size);

#endif
