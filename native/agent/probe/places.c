#include "agent/probe/places.h"

#include <stdlib.h>

/* More than any version has before the bytecode in a code object. */
#define CODE_BYTES_MAX 1024

bool bs_places_learn(struct bs_places *places, const PyObject *code, const unsigned char *units,
                     size_t unit_count, uintptr_t addr) {
    places->in_code = addr - (uintptr_t)units >= 2 * unit_count;
    places->code_bytes = (intptr_t)(addr - (uintptr_t)code);
    return !places->in_code || (places->code_bytes > 0 && places->code_bytes < CODE_BYTES_MAX);
}

void bs_places_deinit(struct bs_places *places) {
    free(places->ranges);
    *places = (struct bs_places){};
}

uintptr_t bs_places_start(const struct bs_places *places, const PyObject *code,
                          const unsigned char *units) {
    return places->in_code ? (uintptr_t)code + (uintptr_t)places->code_bytes : (uintptr_t)units;
}

static int compare_ranges(const void *a, const void *b) {
    const struct bs_place_range *x = a, *y = b;
    return (x->start_addr > y->start_addr) - (x->start_addr < y->start_addr);
}

static void build(struct bs_places *places, const struct codes *codes) {
    places->count = 0;
    places->built_for = codes->count;
    free(places->ranges);
    places->ranges = malloc((codes->count + 1) * sizeof(*places->ranges));
    for (uint32_t i = 0; places->ranges && i < codes->count; i++) {
        const struct code_entry *entry = &codes->entries[i];
        uintptr_t start = bs_places_start(places, entry->code, entry->units);
        places->ranges[places->count++] = (struct bs_place_range){
            .start_addr = start,
            .end_addr = start + (uintptr_t)2 * entry->unit_count,
            .code = i,
        };
    }
    if (places->count)
        qsort(places->ranges, places->count, sizeof(*places->ranges), compare_ranges);
}

bool bs_places_find(struct bs_places *places, const struct codes *codes, uintptr_t addr,
                    uint32_t *ret_code, uint32_t *ret_offset_units) {
    if (!places->ranges || places->built_for != codes->count)
        build(places, codes);
    size_t low = 0, high = places->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct bs_place_range *range = &places->ranges[middle];
        if (addr < range->start_addr) {
            high = middle;
        } else if (addr >= range->end_addr) {
            low = middle + 1;
        } else {
            *ret_code = range->code;
            *ret_offset_units = (uint32_t)((addr - range->start_addr) / 2);
            return true;
        }
    }
    return false;
}
