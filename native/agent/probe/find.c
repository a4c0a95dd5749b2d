#include "agent/probe/find.h"

#include "agent/block.h"
#include "agent/probe/known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOP_RECORDS  2048
#define PROOF_RECORDS 512
#define PROOF_CALLS   3
#define TRIES         3 /* of the loop: the interpreter may still change its bytecode in one */

/* One call of @p known with @p stubs in the table. False: the table could not be written. */
static bool call_patched(const struct bs_table *table, const struct bs_stubs *stubs,
                         const struct bs_known *known) {
    bool patched = !bs_table_patch(table, stubs->entries);
    if (patched)
        bs_known_call(known);
    return !bs_table_restore(table) && patched;
}

/* Why bs_stubs_create() failed. */
static const char *why_no_stubs(int error) {
    if (error == EACCES || error == EPERM)
        return "this process may not make memory executable: SELinux or PR_SET_MDWE forbids it";
    return "there is no memory near the interpreter";
}

/* What is noted while the loop runs. */
struct notes {
    struct bs_holder_record records[LOOP_RECORDS];
    size_t count;
};

static void note(struct bs_stub_control *control) {
    struct notes *notes = control->owner;
    if (notes->count == LOOP_RECORDS)
        return;
    struct bs_holder_record *record = &notes->records[notes->count++];
    bs_holder_read_all(control->here->value, record);
    record->entry = control->here->entry;
}

/* Run the loop with @p stubs, which note all that may hold the instruction's address. NULL, or why
 * the candidate is not it. */
static const char *infer_with(const struct bs_table *table, const struct bs_stubs *stubs,
                              const struct bs_known *loop, struct bs_inference *ret) {
    struct notes *notes = stubs->control->owner;
    for (int try = 0; try < TRIES; try++) {
        notes->count = 0;
        if (!call_patched(table, stubs, loop))
            return "the table cannot be written";
        if (!notes->count)
            return "the interpreter does not go through the table";
        if (bs_known_infer(loop, notes->records, notes->count, table->count, ret))
            return NULL;
    }
    return "neither a register nor a word of the evaluator's frame holds the address of the "
           "instruction";
}

static const char *infer(const struct bs_table *table, const struct bs_known *loop,
                         struct bs_inference *ret) {
    struct bs_stubs stubs;
    struct notes *notes = bs_block_create(1, sizeof(*notes));
    int error = notes ? bs_stubs_create(table, BS_STUBS_REGISTERS, NULL, &stubs) : ENOMEM;
    const char *why = error ? why_no_stubs(error) : NULL;
    if (!error) {
        stubs.control->drain = note;
        stubs.control->owner = notes;
        why = infer_with(table, &stubs, loop, ret);
        bs_stubs_destroy(&stubs);
    }
    bs_block_destroy(notes);
    return why;
}

/* The experiment of the proof. */
struct proof {
    struct bs_finding *finding;
    struct bs_known outer, inner;
    struct bs_record *records;
    size_t count;
};

static void refuse_more(struct bs_stub_control *control) {
    struct proof *proof = control->owner;
    proof->records[PROOF_RECORDS].action = BS_ACTION_IDLE;
}

static bool record(struct proof *proof) {
    struct bs_stub_control *control = proof->finding->stubs.control;
    for (size_t i = 0; i < PROOF_RECORDS; i++)
        proof->records[i] = (struct bs_record){.action = BS_ACTION_STAMP};
    proof->records[PROOF_RECORDS] = (struct bs_record){.action = BS_ACTION_DRAIN};
    control->cursor = proof->records;
    control->drain = refuse_more;
    control->owner = proof;
    bool called = call_patched(&proof->finding->table, &proof->finding->stubs, &proof->outer);
    proof->count = (size_t)((struct bs_record *)control->cursor - proof->records);
    return called && proof->count && proof->count < PROOF_RECORDS;
}

/* How far the check of one function has come. */
struct progress {
    const struct bs_known *known;
    uintptr_t start_addr;
    bool in_code;      /* as in struct bs_places */
    size_t unit;       /* the instruction that must come next */
    bool may_skip;     /* the latest was specialised: it may have done the next one too */
    unsigned int done; /* calls that came to the end */
};

static bool contains(const struct progress *progress, uintptr_t place) {
    return place >= progress->start_addr &&
           place < progress->start_addr + 2 * progress->known->unit_count;
}

/*
 * The instruction at @p place ran: it must be the next. Up to 3.10 the first one of a frame may be
 * missing: the evaluator enters it by a switch and not through the table (Python/ceval.c, 3.10,
 * dispatch_opcode).
 */
static bool advance(struct progress *progress, uintptr_t place, uint8_t opcode) {
    const struct bs_known *known = progress->known;
    size_t unit = (place - progress->start_addr) / 2;
    size_t next = bs_known_instruction(known, progress->unit);
    bool may_skip = progress->may_skip || (!progress->unit && !progress->in_code);
    if (unit != next && may_skip)
        next = bs_known_instruction(known, next + 1);
    if (unit != next)
        return false;
    progress->may_skip = opcode != known->units[2 * unit];
    progress->unit = unit + 1;
    if (bs_known_instruction(known, progress->unit) == known->unit_count) {
        progress->done++;
        progress->unit = 0;
        progress->may_skip = false;
    }
    return true;
}

/*
 * Both functions instruction by instruction, and nothing else but one at the end of a call: from
 * 3.12 on the evaluator leaves by way of an instruction of its own. That is once, or for each call
 * where something evaluates frames in Python's place (-X perf, PEP 523).
 */
static bool is_exact(const struct proof *proof) {
    const struct bs_finding *finding = proof->finding;
    const struct bs_known *known[] = {&proof->outer, &proof->inner};
    struct progress progress[2];
    uint64_t latest = proof->records[0].stamp;
    bool ended = false;
    for (int i = 0; i < 2; i++)
        progress[i] = (struct progress){
            .known = known[i],
            .in_code = finding->places.in_code,
            .start_addr = bs_places_start(&finding->places, known[i]->code, known[i]->units)};
    for (size_t r = 0; r < proof->count; r++) {
        const struct bs_record *record = &proof->records[r];
        uintptr_t place = bs_finding_place(finding, record->value);
        struct progress *in = contains(&progress[0], place)   ? &progress[0]
                              : contains(&progress[1], place) ? &progress[1]
                                                              : NULL;
        if (in ? !advance(in, place, record->opcode) : !ended)
            return false;
        ended = in && !in->unit;
        if (record->stamp < latest)
            return false;
        latest = record->stamp;
    }
    return progress[0].done == 1 && progress[1].done == BS_KNOWN_INNER_CALLS;
}

/* With the stubs made: learn where bytecode is, and see that everything is recorded. */
static const char *prove(struct proof *proof) {
    struct bs_finding *finding = proof->finding;
    for (int call = 0; call < PROOF_CALLS; call++) {
        if (!record(proof))
            return "a known function was not recorded";
        uintptr_t first = bs_finding_place(finding, proof->records[0].value);
        if (!bs_places_learn(&finding->places, proof->outer.code, proof->outer.units,
                             proof->outer.unit_count, first))
            return "bytecode is not where it was expected";
        if (!is_exact(proof))
            return "a known function was recorded otherwise than it runs, as where BOLT has made "
                   "branches of dispatches";
    }
    return NULL;
}

static const char *run_proof(struct bs_finding *finding) {
    struct proof proof = {.finding = finding};
    if (!bs_known_straight(&proof.outer, &proof.inner))
        return "a function to try it with could not be made";
    const char *why = "there is no memory";
    proof.records = calloc(PROOF_RECORDS + 1, sizeof(*proof.records));
    if (proof.records)
        why = bs_known_warm_up(&proof.outer) ? prove(&proof) : "a known function raised";
    free(proof.records);
    bs_known_deinit(&proof.outer);
    bs_known_deinit(&proof.inner);
    return why;
}

/* Of a longer run of addresses, the 256 that are the table. */
static void narrow(struct bs_table *table, uint32_t base) {
    memmove(table->handlers, table->handlers + base, BS_TABLE_ENTRIES * sizeof(void *));
    table->entries += base;
    table->count = BS_TABLE_ENTRIES;
}

static const char *try_candidate(const struct bs_table_candidate *candidate,
                                 const struct bs_known *loop, struct bs_finding *ret) {
    struct bs_finding finding = {};
    const char *why = bs_table_examine(candidate, &finding.table);
    if (!why)
        why = infer(&finding.table, loop, &finding.inference);
    if (!why) {
        narrow(&finding.table, finding.inference.base);
        finding.inference.base = 0;
        struct bs_holder holder = bs_holder_numbered(finding.inference.number);
        int error = bs_stubs_create(&finding.table, BS_STUBS_RECORD, &holder, &finding.stubs);
        if (error)
            why = why_no_stubs(error);
    }
    if (!why)
        why = run_proof(&finding);
    if (why)
        bs_finding_deinit(&finding);
    else
        *ret = finding;
    return why;
}

bool bs_find(const struct bs_request *request, struct bs_finding *ret, char *reason,
             size_t reason_bytes) {
    struct bs_known loop;
    const uint32_t count = request->candidates;
    const char *why = NULL;
    if (!count) {
        snprintf(reason, reason_bytes,
                 "no dispatch table was found in the interpreter, as in builds without computed "
                 "gotos");
        return false;
    }
    if (!bs_known_loop(&loop)) {
        snprintf(reason, reason_bytes, "a function to try the dispatch table with cannot be made");
        return false;
    }
    bool found = false;
    if (bs_known_warm_up(&loop)) {
        for (uint32_t i = 0; !found && i < count; i++) {
            const char *this = try_candidate(&request->candidate[i], &loop, ret);
            found = !this;
            why = why ? why : this; /* the best candidate comes first */
        }
    }
    bs_known_deinit(&loop);
    if (!found)
        snprintf(reason, reason_bytes,
                 "none of %u candidates for the dispatch table could be verified; of the first: %s",
                 count, why ? why : "a known function raised");
    return found;
}

void bs_finding_deinit(struct bs_finding *finding) {
    bs_stubs_destroy(&finding->stubs);
    bs_places_deinit(&finding->places);
    bs_table_deinit(&finding->table);
}
