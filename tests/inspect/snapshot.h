/*
 * What was read of a process, so that it can be read again when it is gone, and with mistakes in
 * it: a target that remembers the pages that go through it, and then serves them, patched.
 */
#ifndef TESTS_INSPECT_SNAPSHOT_H
#define TESTS_INSPECT_SNAPSHOT_H

#include "inspect/interpreter.h"

#define SNAPSHOT_PAGE_BYTES  4096
#define SNAPSHOT_PAGES_MAX   8192
#define SNAPSHOT_SYMBOLS_MAX 32

struct snapshot_page {
    uint64_t addr;
    bool absent;  /* it could not be read */
    bool missing; /* reading it faults now */
    uint8_t data[SNAPSHOT_PAGE_BYTES], original[SNAPSHOT_PAGE_BYTES];
};

struct snapshot {
    struct bs_target target;         /* what to read it through */
    const struct bs_target *process; /* NULL: only what is remembered is there */
    struct snapshot_page *pages[SNAPSHOT_PAGES_MAX];
    size_t page_count;
    size_t *slots; /* open addressing by page address: index + 1 */
    struct {
        char name[40];
        uint64_t addr; /* 0: no such symbol */
    } symbols[SNAPSHOT_SYMBOLS_MAX];
    size_t symbol_count;
    struct {
        char path[256];
        uint64_t start_addr, end_addr;
    } module; /* the one that holds the interpreter, or whatever was asked for first */
    size_t reads;
};

/* Begin to remember what is read of @p process through the snapshot's target. */
bool snapshot_begin(const struct bs_target *process, struct snapshot *snapshot);
/* Be done with the process, of which @p python was found. */
void snapshot_seal(struct snapshot *snapshot, const struct bs_interpreter *python);
void snapshot_end(struct snapshot *snapshot);

/* Bytes in all pages; the byte at @p position in them, to be changed; its address. */
size_t snapshot_bytes(const struct snapshot *snapshot);
uint8_t *snapshot_at(struct snapshot *snapshot, size_t position);
uint64_t snapshot_addr(const struct snapshot *snapshot, size_t position);
/* The byte at @p addr, NULL where nothing is remembered. */
uint8_t *snapshot_byte(struct snapshot *snapshot, uint64_t addr);
/* Undo all changes of the page at @p position. */
void snapshot_restore(struct snapshot *snapshot, size_t position);

#endif
