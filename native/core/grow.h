/* Lists that grow by one item at a time. */
#ifndef BS_CORE_GROW_H
#define BS_CORE_GROW_H

#include <stddef.h>
#include <stdlib.h>

/*
 * @p items, moved if need be, with room for one more behind the @p count that are there; *capacity,
 * 0 at first, counts items too. NULL when there is no memory: all is as before then.
 */
static inline void *bs_grow(void *items, size_t count, size_t *capacity, size_t item_bytes) {
    if (count < *capacity)
        return items;
    const size_t larger = *capacity ? 2 * *capacity : 32;
    void *grown = reallocarray(items, larger, item_bytes);
    if (grown)
        *capacity = larger;
    return grown;
}

#endif
