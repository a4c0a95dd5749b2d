/*
 * The handlers of a dispatch table, by address: which of them begins where a step has come to.
 */
#ifndef BS_AGENT_WALK_HANDLERS_H
#define BS_AGENT_WALK_HANDLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct walk_handler {
    uint64_t addr;
    uint32_t entry; /* of the table; before the table is known, of the run of addresses */
    bool shared;    /* by several opcodes */
};

struct walk_handlers {
    struct walk_handler *items; /* by address, each address once */
    size_t count;
};

/* Those of @p count table entries, with numbers from 0; to be released. False: no memory. */
bool bs_handlers_make(void *const *entries, uint32_t count, struct walk_handlers *ret);
void bs_handlers_deinit(struct walk_handlers *handlers);

/*
 * Of a longer run of addresses keep the handlers of the table that begins at entry @p base, as far
 * as they are ever run.
 */
void bs_handlers_narrow(struct walk_handlers *handlers, uint32_t base);

/* The handler that begins at @p pc_addr, or NULL. For use while stepping. */
const struct walk_handler *bs_handlers_at(const struct walk_handlers *handlers, uint64_t pc_addr);

#endif
