/* Memory that is released all at once: what is read out of a target for one purpose. */
#ifndef BS_INSPECT_ARENA_H
#define BS_INSPECT_ARENA_H

#include "core/cleanup.h"
#include "core/code.h"

#include <stdbool.h>
#include <stddef.h>

struct bs_arena {
    struct bs_arena_block *blocks;
    size_t used_bytes; /* handed out so far */
};

#define BS_ARENA_INIT                                                                              \
    {}

void bs_arena_deinit(struct bs_arena *arena);
#define _cleanup_arena_ _cleanup_(bs_arena_deinit)

/* @p size zeroed bytes, aligned for anything; NULL when there is no memory. */
void *bs_arena_alloc(struct bs_arena *arena, size_t size);
/* A copy of @p length bytes; false when there is no memory. */
bool bs_arena_text(struct bs_arena *arena, const char *data, size_t length, struct bs_text *ret);

#endif
