#include "agent/probe/maps.h"

#include "agent/file_mappings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000 /* Linux 4.17; older kernels take the address as a hint */
#endif

#define PAGE_BYTES  4096ul
#define REACH_BYTES 0x7ff00000ul /* of a signed 32-bit displacement, less a margin */
#define STACK_MOST  (1ul << 30)  /* looked for where its limit is higher, or none */
#define STACK_GUARD (1ul << 20)
#define LOWEST_ADDR 0x10000ul /* vm.mmap_min_addr */

static bool add(struct bs_maps *maps, size_t *capacity, const struct bs_file_mapping *mapping) {
    if (maps->count == *capacity) {
        *capacity = *capacity ? 2 * *capacity : 256;
        struct bs_mapping *larger = realloc(maps->items, *capacity * sizeof(*larger));
        if (!larger)
            return false;
        maps->items = larger;
    }
    maps->items[maps->count++] = (struct bs_mapping){
        .start_addr = mapping->start,
        .end_addr = mapping->end,
        .protection = mapping->protection,
        .is_stack = !strcmp(mapping->path, "[stack]"),
    };
    return true;
}

int bs_maps_read(struct bs_maps *ret) {
    struct bs_maps maps = {};
    struct bs_file_mapping mapping;
    struct lines lines;
    size_t capacity = 0;
    bool added = true;
    bs_file_mappings_open(&lines);
    if (lines.fd < 0)
        return -lines.fd;
    while (added && bs_mappings_next(&lines, &mapping))
        added = add(&maps, &capacity, &mapping);
    bs_lines_close(&lines);
    if (!added) {
        bs_maps_deinit(&maps);
        return ENOMEM;
    }
    *ret = maps;
    return 0;
}

void bs_maps_deinit(struct bs_maps *maps) {
    free(maps->items);
    maps->items = NULL;
    maps->count = 0;
}

const struct bs_mapping *bs_maps_find(const struct bs_maps *maps, uintptr_t addr) {
    size_t low = 0, high = maps->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (addr < maps->items[middle].start_addr)
            high = middle;
        else if (addr >= maps->items[middle].end_addr)
            low = middle + 1;
        else
            return &maps->items[middle];
    }
    return NULL;
}

static void *map_at(uintptr_t addr, size_t bytes) {
    void *got = mmap((void *)addr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == MAP_FAILED)
        return NULL;
    if ((uintptr_t)got == addr)
        return got;
    munmap(got, bytes);
    return NULL;
}

/* What the main stack may grow by, and the gap that Linux keeps below it (stack_guard_gap). */
static uintptr_t stack_room(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur > STACK_MOST)
        return STACK_MOST;
    return limit.rlim_cur + STACK_GUARD;
}

/*
 * Gaps are tried from the highest down, and each at its top: below a program that is not position
 * independent lies the heap's way up, which is left free for as long as possible.
 */
void *bs_maps_allocate_near(const struct bs_maps *maps, uintptr_t low_addr, uintptr_t high_addr,
                            size_t bytes) {
    const uintptr_t lowest =
        high_addr > REACH_BYTES + LOWEST_ADDR ? high_addr - REACH_BYTES : LOWEST_ADDR;
    const uintptr_t highest = low_addr + REACH_BYTES;
    const uintptr_t stack = stack_room();
    for (size_t i = maps->count + 1; i-- > 0;) {
        uintptr_t start = i ? maps->items[i - 1].end_addr : 0;
        uintptr_t end = i < maps->count ? maps->items[i].start_addr : highest;
        start = start < lowest ? lowest : start;
        if (i < maps->count && maps->items[i].is_stack)
            end -= end < stack ? end : stack;
        end = end > highest ? highest : end;
        uintptr_t addr = (end - bytes) & ~(PAGE_BYTES - 1);
        if (end < bytes || addr < start)
            continue;
        void *got = map_at(addr, bytes);
        if (got)
            return got;
    }
    return NULL;
}
