/*
 * A stopped interpreter that is only read, for stack and code: nothing is run, so memory can be
 * remembered page by page, and each code object is read and decoded once.
 */
#ifndef BS_COMMAND_READING_H
#define BS_COMMAND_READING_H

#include "command/inferior.h"
#include "core/decode.h"
#include "inspect/arena.h"
#include "inspect/cache.h"
#include "inspect/dispatch.h"
#include "inspect/threads.h"

/* A code object, or why it cannot be read. */
struct bs_decoded {
    uint64_t code_addr;
    struct bs_code code;
    struct bs_instructions instructions; /* of `code` */
    struct bs_error *error;              /* NULL: both are there */
    struct bs_decoded *next;             /* in its bucket */
};

struct bs_reading {
    struct bs_inferior inferior; /* its interpreter reads through `cache` */
    struct bs_cache cache;
    struct bs_evaluator evaluator; /* empty where the machine code cannot be made out */
    struct bs_threads threads;     /* empty where `no_threads` says why */
    struct bs_error *no_threads;
    struct bs_arena arena; /* the code objects */
    struct bs_decoded **buckets;
};

/* Fails as bs_inferior_open() does. *ret must stay where it is; close it after a failure too. */
struct bs_error *bs_reading_open(const struct bs_host *host, struct bs_reading *ret);
void bs_reading_close(struct bs_reading *reading);
#define _cleanup_reading_ _cleanup_(bs_reading_close)

/*
 * The code object at @p code_addr, read now or before. Fails only for want of memory and when
 * interrupted: what is wrong with the code object itself is in its `error`.
 */
struct bs_error *bs_reading_code(struct bs_reading *reading, uint64_t code_addr,
                                 const struct bs_decoded **ret);

#endif
