/* Which addresses are the evaluator's: see dispatch.h. */
#include "inspect/dispatch.h"
#include "inspect/elf_image.h"

#include <string.h>

/* Functions of their own for this many instructions make a tail-call build; every such build has
   more than 200, every other none. */
#define TAIL_CALL_FUNCTIONS_MIN 128

static struct bs_error *add_range(struct bs_evaluator *evaluator, uint64_t start, uint64_t end) {
    size_t i = 0;
    while (i < evaluator->count && evaluator->ranges[i].start_addr < start)
        i++;
    if (i < evaluator->count && evaluator->ranges[i].start_addr == start)
        return NULL;
    struct bs_address_range *ranges =
        realloc(evaluator->ranges, (evaluator->count + 1) * sizeof(*ranges));
    if (!ranges)
        return &bs_enomem;
    evaluator->ranges = ranges;
    memmove(&ranges[i + 1], &ranges[i], (evaluator->count - i) * sizeof(*ranges));
    ranges[i] = (struct bs_address_range){start, end};
    evaluator->count++;
    return NULL;
}

/* Add the function around @p addr; one that the unwind table does not know is left out. */
static struct bs_error *add_function(struct bs_evaluator *evaluator, const struct bs_elf *elf,
                                     uint64_t addr, bool *ret_is_start) {
    uint64_t start, end;
    *ret_is_start = false;
    if (bs_evaluator_contains(evaluator, addr))
        return NULL;
    struct bs_error *error = bs_elf_function(elf, addr, &start, &end);
    if (error)
        return bs_error_forgive(error);
    *ret_is_start = start == addr;
    return add_range(evaluator, start, end);
}

/*
 * Nothing runs opcode 0, CACHE. 3.11 has no code for it, and clang lets its entry point behind the
 * end of the evaluator, where some other function may begin.
 */
#define FIRST_RUN 1

static struct bs_error *add_table(struct bs_evaluator *evaluator, const struct bs_elf *elf,
                                  const struct bs_table_candidate *table) {
    uint64_t entries[BS_TABLE_ENTRIES];
    size_t functions = 0;
    bool is_start;
    struct bs_error *error = bs_read_bytes(elf->target, table->table_addr, "the dispatch table",
                                           entries, sizeof(entries));
    for (size_t i = FIRST_RUN; !error && i < BS_TABLE_ENTRIES; i++) {
        error = add_function(evaluator, elf, entries[i], &is_start);
        functions += !error && is_start;
    }
    evaluator->tail_calls |= functions >= TAIL_CALL_FUNCTIONS_MIN;
    return error;
}

struct bs_error *bs_evaluator_find(const struct bs_interpreter *python, struct bs_evaluator *ret) {
    _cleanup_evaluator_ struct bs_evaluator evaluator = {};
    struct bs_table_candidate tables[BS_TABLE_CANDIDATES_MAX];
    struct bs_elf elf;
    size_t count = 0;
    bool is_start;
    struct bs_error *error = bs_elf_read(python->target, python->module_start_addr, &elf);
    if (!error)
        error = add_function(&evaluator, &elf, python->eval_addr, &is_start);
    if (!error)
        error = bs_dispatch_find(python, tables, &count);
    for (size_t i = 0; !error && i < count; i++)
        error = add_table(&evaluator, &elf, &tables[i]);
    if (error)
        return error;
    *ret = evaluator;
    evaluator.ranges = NULL;
    return NULL;
}

void bs_evaluator_deinit(struct bs_evaluator *evaluator) {
    free(evaluator->ranges);
    *evaluator = (struct bs_evaluator){};
}

bool bs_evaluator_contains(const struct bs_evaluator *evaluator, uint64_t pc_addr) {
    size_t low = 0, high = evaluator->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pc_addr < evaluator->ranges[middle].start_addr)
            high = middle;
        else if (pc_addr >= evaluator->ranges[middle].end_addr)
            low = middle + 1;
        else
            return true;
    }
    return false;
}
