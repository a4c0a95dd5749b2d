#include "agent/walk.h"

#include "agent/child.h"
#include "agent/walk_dispatch.h"
#include "agent/walk_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* How often `done` is brought up to date, in steps: a power of two. */
#define PROGRESS_STEPS 256u

struct walk {
    struct walk_dispatch dispatch;
    struct walk_recording recording;
    struct walk_forest forest;
    struct bs_shared *shared;
    uint32_t limit;
    bool cut;            /* the limit was reached */
    const char *missing; /* a clause that says why there is no forest, or NULL */
};

/* A byte that may not be there. */
static uint8_t peek(uint64_t addr) {
    uint8_t byte = 0;
    struct iovec here = {&byte, 1}, there = {(void *)(uintptr_t)addr, 1}; /* NOLINT */
    process_vm_readv(getpid(), &here, 1, &there, 1, 0);
    return byte;
}

/* Whether the instruction before the one at @p record was the jump to a frame's first opcode. */
static bool is_entered(const struct walk *walk, const struct walk_step *record) {
    return record > walk->recording.steps && record[-1].pc_addr == walk->dispatch.entry_jump_addr;
}

static void record_dispatch(const struct walk *walk, const struct walk_handler *handler,
                            const struct step *step, struct walk_step *record) {
    record->dispatched = true;
    record->word = bs_walk_opcode_addr(&walk->dispatch, step);
    record->opcode = handler && !handler->shared ? handler->entry : peek(record->word);
}

static bool see(void *arg, const struct step *step) {
    struct walk *walk = arg;
    struct walk_recording *recording = &walk->recording;
    struct walk_step *record;
    if (!bs_recording_add(recording, step, &record))
        return false;
    const struct walk_handler *handler = bs_walk_handler_at(&walk->dispatch, step->pc_addr);
    if (record && (handler || is_entered(walk, record)))
        record_dispatch(walk, handler, step, record);
    if (!(recording->count & (PROGRESS_STEPS - 1)))
        walk->shared->done = recording->count;
    return true;
}

static const char no_memory[] = "there is no memory for them";

struct walk *bs_walk_create(const struct bs_request *request, struct bs_shared *shared) {
    struct walk *walk = calloc(1, sizeof(*walk));
    if (!walk)
        return NULL;
    walk->shared = shared;
    walk->limit = request->max_walk < BS_WALK_MAX ? request->max_walk : BS_WALK_MAX;
    walk->missing = bs_walk_dispatch_find(request->candidate, request->candidates, &walk->dispatch);
    if (!walk->missing && !bs_recording_init(&walk->recording, walk->limit))
        walk->missing = no_memory;
    return walk;
}

void bs_walk_run(struct walk *walk, void (*call)(void *), void *arg) {
    walk->shared->done = 0;
    walk->shared->total = walk->limit;
    if (!walk->missing)
        walk->missing = bs_step_run(call, arg, see, walk);
    if (bs_child_forked)
        return;
    if (walk->missing) {
        call(arg);
        return;
    }
    walk->cut = walk->recording.cut;
    struct walk_functions functions = bs_walk_functions_open();
    if (!bs_forest_grow(&walk->recording, &functions, &walk->forest))
        walk->missing = no_memory;
    bs_walk_functions_close(&functions);
    bs_recording_deinit(&walk->recording);
}

void bs_walk_destroy(struct walk *walk) {
    if (!walk)
        return;
    bs_recording_deinit(&walk->recording);
    bs_forest_deinit(&walk->forest);
    bs_walk_dispatch_deinit(&walk->dispatch);
    free(walk);
}

/* The code objects by where their bytecode is. */
struct code_place {
    uint64_t start_addr, end_addr; /* end exclusive */
    uint32_t code;
};

static int by_start(const void *a, const void *b) {
    const struct code_place *x = a, *y = b;
    return x->start_addr < y->start_addr ? -1 : x->start_addr > y->start_addr;
}

static struct code_place *make_places(const struct walk *walk, const struct codes *codes) {
    struct code_place *places = calloc((size_t)codes->count + 1, sizeof(*places));
    if (!places)
        return NULL;
    for (uint32_t i = 0; i < codes->count; i++) {
        uint64_t start_addr = bs_walk_bytecode_addr(&walk->dispatch, &codes->entries[i]);
        places[i] = (struct code_place){
            .start_addr = start_addr,
            .end_addr = start_addr + 2 * (uint64_t)codes->entries[i].unit_count,
            .code = i,
        };
    }
    qsort(places, codes->count, sizeof(*places), by_start);
    return places;
}

/* The last place that starts at or before @p where, if it holds it. */
static const struct code_place *place_of(const struct code_place *places, size_t count,
                                         uint64_t where) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (places[middle].start_addr <= where)
            low = middle + 1;
        else
            high = middle;
    }
    return low && where < places[low - 1].end_addr ? &places[low - 1] : NULL;
}

static void write_node(const struct walk *walk, const struct walk_node *node,
                       const struct code_place *places, size_t place_count, struct bs_call *ret) {
    *ret = (struct bs_call){
        .function_addr = node->function_addr,
        .site_addr = node->site_addr,
        .instructions = node->instructions,
        .depth = node->depth,
        .kind = node->kind,
        .cut = node->depth == 0 && walk->forest.cut[node->tree],
        .opcode = node->opcode,
    };
    if (node->kind != BS_CALL_OPCODE)
        return;
    const struct code_place *place = place_of(places, place_count, node->where);
    ret->code = place ? place->code : BS_CALL_NO_CODE;
    ret->offset_units = place ? (uint32_t)((node->where - place->start_addr) / 2) : 0;
}

static void write_text(struct output *output, const char *text) {
    output->header->walk_text = bs_output_string(output, text, strlen(text));
}

static void write_missing(struct output *output, const char *why) {
    char text[160];
    snprintf(text, sizeof(text), "C functions are not shown: %s", why);
    write_text(output, text);
}

static void write_calls(const struct walk *walk, const struct codes *codes, struct output *output) {
    const struct walk_forest *forest = &walk->forest;
    struct code_place *places = make_places(walk, codes);
    struct bs_call *calls =
        places ? bs_output_append(output, BS_SECTION_CALLS, sizeof(struct bs_call), forest->count)
               : NULL;
    for (size_t i = 0; calls && i < forest->count; i++)
        write_node(walk, &forest->nodes[i], places, codes->count, &calls[i]);
    if (!calls)
        write_missing(output, no_memory);
    free(places);
}

void bs_walk_write(const struct walk *walk, const struct codes *codes, struct output *output) {
    char text[160];
    struct bs_image_header *header = output->header;
    header->walk_limit = walk->limit;
    if (walk->missing) {
        write_missing(output, walk->missing);
        return;
    }
    header->walked_instructions = walk->forest.instructions;
    if (walk->cut)
        header->flags |= BS_IMAGE_CALLS_CUT;
    if (walk->forest.ends_early) {
        snprintf(text, sizeof(text),
                 "C functions are shown only for the first %llu machine instructions: then %s",
                 (unsigned long long)walk->forest.instructions, walk->forest.ends_early);
        write_text(output, text);
    }
    write_calls(walk, codes, output);
}
