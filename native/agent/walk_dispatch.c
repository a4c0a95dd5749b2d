#include "agent/walk_dispatch.h"

#include "agent/probe/known.h"

#include <stdlib.h>

/* Enough for bs_infer(); a few rounds of the loop. */
#define RECORDS_MAX 64
#define JUMPS_MAX   64
#define NOT_FOUND   "the interpreter's dispatch could not be recognised"

/* Both the search for a candidate and what the stepping notes for it. */
struct search {
    struct walk_dispatch dispatch; /* handlers only, until it is found */
    uint32_t entries;
    uint64_t last_addr; /* of the instruction before, */
    enum insn_kind last_kind;
    struct bs_holder_record records[RECORDS_MAX];
    size_t record_count;
    struct bs_holder_record jumps[JUMPS_MAX]; /* that led elsewhere, before the first record */
    size_t jump_count;
};

static void note(const struct step *step, uint64_t entry, struct bs_holder_record *ret) {
    uint64_t registers[BS_MACHINE_REGISTERS];
    for (int i = 0; i < BS_MACHINE_REGISTERS; i++)
        registers[i] = bs_step_register(step, i);
    bs_holder_read_all(registers, ret);
    ret->entry = entry;
}

/* Note all holders wherever a handler may begin; and before the first, wherever a jump leads. */
static bool note_holders(void *arg, const struct step *step) {
    struct search *search = arg;
    const struct walk_handler *handler = bs_handlers_at(&search->dispatch.handlers, step->pc_addr);
    bool jumped = search->last_kind == INSN_JUMP || search->last_kind == INSN_JUMP_MEMORY;
    if (jumped && !search->record_count)
        note(step, search->last_addr, &search->jumps[search->jump_count++ % JUMPS_MAX]);
    search->last_addr = step->pc_addr;
    search->last_kind = step->kind;
    if (!handler)
        return true;
    note(step, handler->entry, &search->records[search->record_count++]);
    return search->record_count < RECORDS_MAX;
}

/* The opcode of which a note was made. */
static uint64_t place_of(const struct bs_inference *found, const struct bs_holder_record *record) {
    return record->value[found->number] + (uint64_t)(int64_t)found->offset_bytes;
}

static void call_known(void *known) {
    bs_known_call(known);
}

/*
 * The jump that led to the first opcode, at @p addr, where that was no handler's beginning: `entry`
 * of a note of jumps is where it came from. It is the last: functions that made the frame may have
 * had its address in the same register.
 */
static uint64_t entry_jump(const struct search *search, const struct bs_inference *found,
                           uint64_t addr) {
    size_t kept = search->jump_count < JUMPS_MAX ? search->jump_count : JUMPS_MAX;
    if (place_of(found, &search->records[0]) == addr)
        return 0;
    for (size_t i = 1; i <= kept; i++) {
        const struct bs_holder_record *jump = &search->jumps[(search->jump_count - i) % JUMPS_MAX];
        if (place_of(found, jump) == addr)
            return jump->entry;
    }
    return 0;
}

/* On success the rest of the dispatch is known. */
static bool infer(struct search *search, const struct bs_known *known) {
    struct walk_dispatch *dispatch = &search->dispatch;
    struct bs_inference found;
    if (!bs_known_infer(known, search->records, search->record_count, search->entries, &found))
        return false;
    dispatch->holder = bs_holder_numbered(found.number);
    dispatch->offset_bytes = found.offset_bytes;
    if (!bs_places_learn(&dispatch->places, known->code, known->units, known->unit_count,
                         place_of(&found, &search->records[0])))
        return false;
    dispatch->entry_jump_addr =
        entry_jump(search, &found, bs_places_start(&dispatch->places, known->code, known->units));
    bs_handlers_narrow(&dispatch->handlers, found.base);
    return true;
}

static const char *try_candidate(const struct bs_table_candidate *candidate, struct bs_known *known,
                                 struct search *search) {
    struct bs_table table;
    if (bs_table_examine(candidate, &table))
        return NOT_FOUND;
    search->entries = table.count;
    search->record_count = search->jump_count = 0;
    search->last_kind = INSN_OTHER;
    bool made = bs_handlers_make(table.handlers, table.count, &search->dispatch.handlers);
    bs_table_deinit(&table);
    if (!made)
        return "there is no memory";
    const char *problem = bs_step_run(call_known, known, note_holders, search);
    if (!problem && !infer(search, known))
        problem = NOT_FOUND;
    if (problem)
        bs_walk_dispatch_deinit(&search->dispatch);
    return problem;
}

const char *bs_walk_dispatch_find(const struct bs_table_candidate *candidates, size_t count,
                                  struct walk_dispatch *ret) {
    struct bs_known known;
    const char *problem = NOT_FOUND;
    if (!bs_known_loop(&known))
        return problem;
    struct search *search = calloc(1, sizeof(*search));
    if (search && bs_known_warm_up(&known)) {
        for (size_t i = 0; i < count && problem; i++)
            problem = try_candidate(&candidates[i], &known, search);
    }
    if (!problem)
        *ret = search->dispatch;
    free(search);
    bs_known_deinit(&known);
    return problem;
}

void bs_walk_dispatch_deinit(struct walk_dispatch *dispatch) {
    bs_places_deinit(&dispatch->places);
    bs_handlers_deinit(&dispatch->handlers);
    *dispatch = (struct walk_dispatch){};
}
