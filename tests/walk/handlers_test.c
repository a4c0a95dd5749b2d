/* Which handler begins at an address: tables written by hand. */
#include "agent/probe/table.h"
#include "agent/walk_handlers.h"
#include "check.h"

#define RUN  (BS_TABLE_ENTRIES + 3)
#define BASE 2

/* A run of addresses in which a table begins at BASE; the handlers are 16 bytes apart, downwards,
   and opcodes 4 and 9 have one together. */
static struct walk_handlers made(void) {
    void *entries[RUN];
    struct walk_handlers handlers = {};
    for (uintptr_t i = 0; i < RUN; i++)
        entries[i] = (void *)(0x10000 - 16 * i);
    entries[BASE + 4] = entries[BASE + 9];
    CHECK(bs_handlers_make(entries, RUN, &handlers));
    return handlers;
}

/* The opcode whose handler begins where that of @p opcode does by the rule of made(); -1: none. */
static int at(const struct walk_handlers *handlers, int opcode) {
    const struct walk_handler *handler =
        bs_handlers_at(handlers, 0x10000 - 16 * (uint64_t)(BASE + opcode));
    return handler ? (int)handler->entry : -1;
}

TEST(walk_handlers, are_those_of_the_table) {
    struct walk_handlers handlers = made();
    CHECK_EQ(handlers.count, RUN - 1);
    bs_handlers_narrow(&handlers, BASE);
    CHECK_EQ(at(&handlers, 1), 1);
    CHECK_EQ(at(&handlers, 255), 255);
    CHECK_EQ(at(&handlers, -1), -1);
    CHECK_EQ(at(&handlers, 256), -1);
    CHECK(!bs_handlers_at(&handlers, 0x10000 - 16 * 4 + 1));
    CHECK(!bs_handlers_at(&handlers, 0));
    bs_handlers_deinit(&handlers);
}

TEST(walk_handlers, may_be_shared) {
    struct walk_handlers handlers = made();
    bs_handlers_narrow(&handlers, BASE);
    CHECK_EQ(at(&handlers, 4), -1);
    CHECK_EQ(at(&handlers, 9), 9);
    CHECK(bs_handlers_at(&handlers, 0x10000 - 16 * (BASE + 9))->shared);
    CHECK(!bs_handlers_at(&handlers, 0x10000 - 16 * (BASE + 8))->shared);
    bs_handlers_deinit(&handlers);
}

/* CACHE has an address, at which something else may stand. */
TEST(walk_handlers, that_are_never_run_begin_nowhere) {
    struct walk_handlers handlers = made();
    CHECK_EQ(at(&handlers, 0), BASE);
    bs_handlers_narrow(&handlers, BASE);
    CHECK_EQ(at(&handlers, 0), -1);
    bs_handlers_deinit(&handlers);
}
