/*
 * The interpreter's dispatch table: looking at it, replacing its entries, putting them back.
 *
 * The table lies in read-only data (.rodata, .data.rel.ro). Its page is made writable for as long
 * as the writing takes and gets back the protection that /proc/self/maps gave for it; among code
 * (BOLT moves it there) the kernel writes. The caller holds the GIL: no other thread runs Python
 * meanwhile.
 */
#ifndef BS_AGENT_PROBE_TABLE_H
#define BS_AGENT_PROBE_TABLE_H

#include "format/request.h"

#include <stdint.h>

/* A run of code addresses that is looked at may hold the table somewhere inside. */
#define BS_TABLE_RUN_MAX 2048

struct bs_table {
    void **entries;                /* in the interpreter */
    void **handlers;               /* what they were; owned */
    uint32_t count;                /* BS_TABLE_ENTRIES once it is known where in a run it begins */
    int protection;                /* PROT_* of the mapping that holds them */
    uintptr_t low_addr, high_addr; /* all handlers lie in here, inclusive */
};

/*
 * Look at a candidate. Returns NULL, or why it cannot hold the table: a clause. The candidate is
 * data from outside: every entry is checked to lie in an executable mapping.
 */
const char *bs_table_examine(const struct bs_table_candidate *candidate, struct bs_table *ret);
void bs_table_deinit(struct bs_table *table);

/* Replace all entries, or put the handlers back. Returns 0 or an errno. */
int bs_table_patch(const struct bs_table *table, void *const *entries);
int bs_table_restore(const struct bs_table *table);

/*
 * Put the handlers back if some table is patched, when nobody is left who knows which: by system
 * calls and plain stores alone. Returns 0 or an errno.
 */
int bs_table_abandon(void);

#endif
