/*
 * Exception tables (co_exceptiontable, from 3.11 on; Objects/exception_handling_notes.txt) as a
 * sequence of entries, in the order of the table. On 3.10, where handlers are entered at run time,
 * the table is empty.
 *
 * The table is untrusted: the walk ends at the first entry that is cut off or cannot be. That an
 * entry lies within the code is not checked.
 */
#ifndef BS_CORE_EXCEPTION_TABLE_H
#define BS_CORE_EXCEPTION_TABLE_H

#include "core/code.h"

#include <stdbool.h>

struct bs_exception_range {
    uint32_t start_units, end_units; /* end exclusive, never empty; in bytes too below 2^32 */
    uint32_t target_units;           /* the handler */
    uint32_t depth;                  /* to which the stack is unwound */
    bool lasti;                      /* the offset of what raised is pushed, too */
};

struct bs_exception_table {
    const unsigned char *at;
    size_t left; /* bytes of the table from at on */
};

/* Walk @p table, which is borrowed. */
void bs_exception_table_init(struct bs_exception_table *walk, struct bs_text table);

/* The next entry; false at the end. */
bool bs_exception_table_next(struct bs_exception_table *walk, struct bs_exception_range *ret);

#endif
