/* The mappings of this process, as /proc/self/maps has them, and room between them. */
#ifndef BS_AGENT_PROBE_MAPS_H
#define BS_AGENT_PROBE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bs_mapping {
    uintptr_t start_addr, end_addr; /* end exclusive */
    int protection;                 /* PROT_* */
    bool is_stack;                  /* the main thread's, which grows down */
};

struct bs_maps {
    struct bs_mapping *items; /* ascending */
    size_t count;
};

/* Returns 0 or an errno. */
int bs_maps_read(struct bs_maps *ret);
void bs_maps_deinit(struct bs_maps *maps);

/* The mapping that holds @p addr, or NULL. */
const struct bs_mapping *bs_maps_find(const struct bs_maps *maps, uintptr_t addr);

/*
 * Map @p bytes of readable and writable memory such that every byte of it lies within 2 GB of every
 * byte from @p low_addr to @p high_addr, and where the main stack has room to grow to its limit.
 * NULL when there is no such gap.
 */
void *bs_maps_allocate_near(const struct bs_maps *maps, uintptr_t low_addr, uintptr_t high_addr,
                            size_t bytes);

#endif
