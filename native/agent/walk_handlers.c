#include "agent/walk_handlers.h"

#include "agent/probe/table.h"

#include <stdlib.h>

static int by_address(const void *a, const void *b) {
    const struct walk_handler *x = a, *y = b;
    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/*
 * Sort, and keep one of each address: the last. On 3.15 two tables stand side by side, the first
 * of which is for tracing and shares handlers with the second.
 */
static void sort(struct walk_handlers *handlers) {
    size_t kept = 0;
    qsort(handlers->items, handlers->count, sizeof(*handlers->items), by_address);
    for (size_t i = 0; i < handlers->count; i++) {
        struct walk_handler handler = handlers->items[i];
        if (kept && handlers->items[kept - 1].addr == handler.addr) {
            handler.shared = true;
            kept--;
        }
        handlers->items[kept++] = handler;
    }
    handlers->count = kept;
}

bool bs_handlers_make(void *const *entries, uint32_t count, struct walk_handlers *ret) {
    struct walk_handlers handlers = {calloc(count, sizeof(*handlers.items)), count};
    if (!handlers.items)
        return false;
    for (uint32_t i = 0; i < count; i++)
        handlers.items[i] =
            (struct walk_handler){.addr = (uint64_t)(uintptr_t)entries[i], .entry = i};
    sort(&handlers);
    *ret = handlers;
    return true;
}

void bs_handlers_deinit(struct walk_handlers *handlers) {
    free(handlers->items);
    *handlers = (struct walk_handlers){0};
}

/*
 * CACHE is never run. Its handler is Py_UNREACHABLE() up to 3.12, so empty, and clang gives it the
 * address of whatever comes next: seen on 3.11, where exceptions are handled.
 */
#define NEVER_RUN 0

void bs_handlers_narrow(struct walk_handlers *handlers, uint32_t base) {
    size_t kept = 0;
    for (size_t i = 0; i < handlers->count; i++) {
        struct walk_handler handler = handlers->items[i];
        if (handler.entry < base || handler.entry >= base + BS_TABLE_ENTRIES)
            continue;
        handler.entry -= base;
        if (handler.entry == NEVER_RUN)
            continue;
        handlers->items[kept++] = handler;
    }
    handlers->count = kept;
}

const struct walk_handler *bs_handlers_at(const struct walk_handlers *handlers, uint64_t pc_addr) {
    const struct walk_handler *items = handlers->items;
    size_t low = 0, high = handlers->count;
    if (!high || pc_addr < items[0].addr || pc_addr > items[high - 1].addr)
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (items[middle].addr == pc_addr)
            return &items[middle];
        if (items[middle].addr < pc_addr)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
