#include "agent/walk.h"

#include "agent/child.h"
#include "agent/peek.h"
#include "agent/walk_dispatch.h"
#include "agent/walk_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Whether the instruction before the one at @p record was the jump to a frame's first opcode. */
static bool is_entered(const struct walk *walk, const struct walk_step *record) {
    return record > walk->recording.steps && record[-1].pc_addr == walk->dispatch.entry_jump_addr;
}

static void record_dispatch(const struct walk *walk, const struct walk_handler *handler,
                            const struct step *step, struct walk_step *record) {
    uint8_t opcode;
    record->dispatched = true;
    record->word = bs_walk_opcode_addr(&walk->dispatch, step);
    if (handler && !handler->shared)
        record->opcode = handler->entry;
    else
        record->opcode = bs_peek(record->word, &opcode, 1) ? opcode : 0;
}

static bool see(void *arg, const struct step *step) {
    struct walk *walk = arg;
    struct walk_recording *recording = &walk->recording;
    struct walk_step *record;
    if (!bs_recording_add(recording, step, &record))
        return false;
    const struct walk_handler *handler = bs_handlers_at(&walk->dispatch.handlers, step->pc_addr);
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
    walk->missing = bs_step_unsupported();
    if (!walk->missing)
        walk->missing =
            bs_walk_dispatch_find(request->candidate, request->candidates, &walk->dispatch);
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

static void write_node(struct walk *walk, const struct walk_node *node, const struct codes *codes,
                       struct bs_call *ret) {
    *ret = (struct bs_call){
        .function_addr = node->function_addr,
        .site_addr = node->site_addr,
        .instructions = node->instructions,
        .depth = node->depth,
        .kind = node->kind,
        .cut = node->depth == 0 && walk->forest.cut[node->tree],
        .opcode = node->opcode,
    };
    uint32_t code = BS_CALL_NO_CODE, offset_units = 0;
    if (node->kind != BS_CALL_OPCODE)
        return;
    bs_places_find(&walk->dispatch.places, codes, node->where, &code, &offset_units);
    ret->code = code;
    ret->offset_units = offset_units;
}

static void write_text(struct output *output, const char *text) {
    output->header->walk_text = bs_output_string(output, text, strlen(text));
}

void bs_walk_write_missing(struct output *output, const char *why) {
    char text[160];
    snprintf(text, sizeof(text), "C functions are not shown: %s", why);
    write_text(output, text);
}

static void write_calls(struct walk *walk, const struct codes *codes, struct output *output) {
    const struct walk_forest *forest = &walk->forest;
    for (size_t i = 0; i < forest->count; i++) {
        struct bs_call call;
        write_node(walk, &forest->nodes[i], codes, &call);
        if (!bs_output_put(output, BS_SECTION_CALLS, &call, sizeof(call))) {
            write_text(output, "C functions are not all shown: there is no room for more");
            return;
        }
    }
}

void bs_walk_write(struct walk *walk, const struct codes *codes, struct output *output) {
    char text[160];
    struct bs_image_header *header = output->header;
    header->walk_limit = walk->limit;
    if (walk->missing) {
        bs_walk_write_missing(output, walk->missing);
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
