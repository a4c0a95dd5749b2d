/* The dispatch table and the evaluator's addresses, on every Python. */
#include "check.h"
#include "core/opcodes.h"
#include "inspect/cache.h"
#include "inspect/dispatch.h"
#include "process.h"

#include <inttypes.h>
#include <string.h>

struct found {
    struct process process;
    struct bs_cache cache;
    struct bs_interpreter python;
};

static bool open_found(const struct interpreter *interpreter, struct found *found) {
    memset(found, 0, sizeof(*found));
    return process_start(&found->process, interpreter, "stops.py", NULL) &&
           CHECK(process_read(&found->process) != NULL) &&
           CHECK_OK(bs_cache_init(&found->process.target, &found->cache)) &&
           CHECK_OK(bs_interpreter_find(&found->cache.target, &found->python));
}

static void close_found(struct found *found) {
    bs_interpreter_deinit(&found->python);
    bs_cache_deinit(&found->cache);
    process_end(&found->process);
}

static void check_table(const struct found *found, const struct bs_table_candidate *table,
                        const struct bs_evaluator *evaluator) {
    uint64_t entries[256];
    size_t inside = 0;
    CHECK_OK(bs_read_bytes(&found->process.target, table->table_addr, "table", entries,
                           sizeof(entries)));
    for (size_t i = 1; i < 256; i++) /* 0, CACHE, is never run */
        inside += bs_evaluator_contains(evaluator, entries[i]);
    CHECK_EQ(table->entries, 256);
    CHECK_EQ(inside, 255);
}

static void table_of(const struct interpreter *interpreter) {
    struct found found;
    struct bs_table_candidate tables[BS_TABLE_CANDIDATES_MAX];
    _cleanup_evaluator_ struct bs_evaluator evaluator = {};
    size_t count = 0;
    if (open_found(interpreter, &found) &&
        CHECK_OK(bs_dispatch_find(&found.python, tables, &count)) &&
        CHECK_OK(bs_evaluator_find(&found.python, &evaluator)) && CHECK(count > 0)) {
        /* One table, but two on tail-call builds of 3.15: of these the first is what runs. */
        CHECK(count <= 2);
        CHECK(tables[0].distinct > 100);
        for (size_t i = 0; i < count; i++) {
            printf("  table at 0x%" PRIx64 ": %u handlers\n", tables[i].table_addr,
                   tables[i].distinct);
            check_table(&found, &tables[i], &evaluator);
        }
        printf("  %zu ranges, %s\n", evaluator.count,
               evaluator.tail_calls ? "tail calls" : "computed gotos");
        CHECK(bs_evaluator_contains(&evaluator, found.python.eval_addr));
        CHECK(!bs_evaluator_contains(&evaluator, found.python.module_start_addr));
        CHECK(evaluator.tail_calls ? evaluator.count > 200 : evaluator.count < 8);
    }
    close_found(&found);
}

TEST(inspect_dispatch, table_is_found_and_its_handlers_are_the_evaluator) {
    interpreters_each(table_of);
}
