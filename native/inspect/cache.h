/*
 * A target that remembers pages it has read. One field at a time is the plain way to read
 * structures, and through a debugger each read costs 2 us (GDB) to 150 us (LLDB).
 *
 * For as long as the target stands still: drop it when anything may have run.
 */
#ifndef BS_INSPECT_CACHE_H
#define BS_INSPECT_CACHE_H

#include "core/cleanup.h"
#include "inspect/target.h"

#define BS_CACHE_PAGES 1024 /* of 4 KiB; of two that want one place the later has it */

struct bs_cache {
    struct bs_target target; /* what to use: as the one given, but remembers */
    const struct bs_target *source;
    struct bs_cache_page **pages; /* by place; NULL: not used yet */
};

/* @p source is borrowed. @p ret must not move: its target points to it. */
struct bs_error *bs_cache_init(const struct bs_target *source, struct bs_cache *ret);
void bs_cache_deinit(struct bs_cache *cache);
#define _cleanup_cache_ _cleanup_(bs_cache_deinit)

#endif
