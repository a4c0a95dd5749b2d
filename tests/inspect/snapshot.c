#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (4 * SNAPSHOT_PAGES_MAX)

static size_t slot_of(const struct snapshot *snapshot, uint64_t page_addr) {
    size_t slot = page_addr / SNAPSHOT_PAGE_BYTES * 0x9e3779b97f4a7c15ull >> 40;
    slot %= SLOTS;
    while (snapshot->slots[slot] && snapshot->pages[snapshot->slots[slot] - 1]->addr != page_addr)
        slot = (slot + 1) % SLOTS;
    return slot;
}

/* The page, remembered now where there still is a process; NULL: it is not known. */
static struct snapshot_page *page_at(struct snapshot *snapshot, uint64_t page_addr) {
    size_t slot = slot_of(snapshot, page_addr);
    if (snapshot->slots[slot])
        return snapshot->pages[snapshot->slots[slot] - 1];
    if (!snapshot->process || snapshot->page_count == SNAPSHOT_PAGES_MAX)
        return NULL;
    struct snapshot_page *page = calloc(1, sizeof(*page));
    if (!page)
        return NULL;
    const struct bs_target *process = snapshot->process;
    page->addr = page_addr;
    struct bs_error *error =
        process->read(process->arg, page_addr, page->original, SNAPSHOT_PAGE_BYTES);
    page->absent = page->missing = error;
    bs_error_destroy(error);
    memcpy(page->data, page->original, SNAPSHOT_PAGE_BYTES);
    snapshot->pages[snapshot->page_count++] = page;
    snapshot->slots[slot] = snapshot->page_count;
    return page;
}

static struct bs_error *snapshot_read(void *arg, uint64_t addr, void *ret, size_t length) {
    struct snapshot *snapshot = arg;
    uint8_t *out = ret;
    snapshot->reads++;
    while (length) {
        size_t offset = addr % SNAPSHOT_PAGE_BYTES;
        size_t part = length < SNAPSHOT_PAGE_BYTES - offset ? length : SNAPSHOT_PAGE_BYTES - offset;
        const struct snapshot_page *page = page_at(snapshot, addr - offset);
        if (!page || page->missing)
            return bs_error_fault(addr, "memory");
        memcpy(out, page->data + offset, part);
        addr += part;
        out += part;
        length -= part;
    }
    return NULL;
}

static struct bs_error *snapshot_lookup(void *arg, const char *name, uint64_t *ret_addr) {
    struct snapshot *snapshot = arg;
    const struct bs_target *process = snapshot->process;
    for (size_t i = 0; i < snapshot->symbol_count; i++) {
        if (strcmp(snapshot->symbols[i].name, name) || !snapshot->symbols[i].addr)
            continue;
        *ret_addr = snapshot->symbols[i].addr;
        return NULL;
    }
    if (!process || snapshot->symbol_count == SNAPSHOT_SYMBOLS_MAX)
        return bs_error_create(BS_ERROR_NOT_FOUND, "no symbol %s", name);
    uint64_t addr = 0;
    struct bs_error *error = process->lookup(process->arg, name, &addr);
    snprintf(snapshot->symbols[snapshot->symbol_count].name, sizeof(snapshot->symbols[0].name),
             "%s", name);
    snapshot->symbols[snapshot->symbol_count++].addr = addr;
    if (!error)
        *ret_addr = addr;
    return error;
}

static struct bs_error *snapshot_modules(void *arg, bs_module_fn fn, void *fn_arg) {
    struct snapshot *snapshot = arg;
    const struct bs_target *process = snapshot->process;
    struct bs_module module = {snapshot->module.path, snapshot->module.start_addr,
                               snapshot->module.end_addr, NULL};
    if (process)
        return process->modules(process->arg, fn, fn_arg);
    fn(fn_arg, &module);
    return NULL;
}

bool snapshot_begin(const struct bs_target *process, struct snapshot *snapshot) {
    memset(snapshot, 0, sizeof(*snapshot));
    snapshot->process = process;
    snapshot->target =
        (struct bs_target){snapshot, snapshot_read, snapshot_lookup, snapshot_modules};
    snapshot->slots = calloc(SLOTS, sizeof(*snapshot->slots));
    return snapshot->slots;
}

void snapshot_seal(struct snapshot *snapshot, const struct bs_interpreter *python) {
    snapshot->process = NULL;
    snapshot->module.start_addr = python->module_start_addr;
    snapshot->module.end_addr = python->module_end_addr;
    snprintf(snapshot->module.path, sizeof(snapshot->module.path), "%s", python->module_path);
}

void snapshot_end(struct snapshot *snapshot) {
    while (snapshot->page_count)
        free(snapshot->pages[--snapshot->page_count]);
    free(snapshot->slots);
    snapshot->slots = NULL;
}

size_t snapshot_bytes(const struct snapshot *snapshot) {
    return snapshot->page_count * SNAPSHOT_PAGE_BYTES;
}

uint8_t *snapshot_at(struct snapshot *snapshot, size_t position) {
    return &snapshot->pages[position / SNAPSHOT_PAGE_BYTES]->data[position % SNAPSHOT_PAGE_BYTES];
}

uint64_t snapshot_addr(const struct snapshot *snapshot, size_t position) {
    return snapshot->pages[position / SNAPSHOT_PAGE_BYTES]->addr + position % SNAPSHOT_PAGE_BYTES;
}

uint8_t *snapshot_byte(struct snapshot *snapshot, uint64_t addr) {
    size_t offset = addr % SNAPSHOT_PAGE_BYTES, slot = slot_of(snapshot, addr - offset);
    if (!snapshot->slots[slot])
        return NULL;
    return &snapshot->pages[snapshot->slots[slot] - 1]->data[offset];
}

void snapshot_restore(struct snapshot *snapshot, size_t position) {
    struct snapshot_page *page = snapshot->pages[position / SNAPSHOT_PAGE_BYTES];
    memcpy(page->data, page->original, SNAPSHOT_PAGE_BYTES);
    page->missing = page->absent;
}
