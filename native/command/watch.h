/*
 * Watching a run from outside: reads the shared mapping until the run is over, draws its progress,
 * and stops it when the user interrupts, when nobody keeps its deadline any more, or when it is
 * past it. Makes no call into the inferior.
 */
#ifndef BS_COMMAND_WATCH_H
#define BS_COMMAND_WATCH_H

#include "command/inferior.h"
#include "command/progress.h"
#include "format/request.h"

struct bs_watch {
    const struct bs_inferior *inferior;
    struct bs_progress *progress;
    uint64_t shared_addr;
    uint64_t timeout_ns; /* of the run itself; the watcher's business, ours only if it fails */
};

/*
 * Returns when the run is over: NULL with the last state of the mapping when its image is
 * complete; BS_ERROR_INTERRUPTED after the user's Ctrl-C; else why it was given up. Whatever is
 * returned, no process of the run is left, as far as this side can see to it.
 */
struct bs_error *bs_watch(const struct bs_watch *watch, struct bs_shared *ret);

/* End the run: by asking, then where that is possible by killing. */
void bs_watch_stop(const struct bs_watch *watch);

/* Read and check the head of the mapping. */
struct bs_error *bs_shared_read(const struct bs_memory *memory, uint64_t shared_addr,
                                struct bs_shared *ret);

#endif
