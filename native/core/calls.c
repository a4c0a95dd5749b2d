#include "core/calls.h"

#include "core/cleanup.h"
#include "core/match.h"

/* Instructions that one dispatch executes at most: PRECALL, CALL and POP_TOP of list.append
 * in 3.11. */
#define RUN_TOGETHER_MAX 3

/* Opcodes of the interpreter's own that follow each other at most: EXIT_INIT_CHECK, RETURN_VALUE,
   INTERPRETER_EXIT. */
#define OWN_OPCODES_MAX 3

static struct bs_error *find_trees(struct bs_calls *calls) {
    const struct bs_trace *trace = calls->trace;
    for (size_t i = 0; i < trace->call_count; i++)
        calls->tree_count += trace->calls[i].depth == 0;
    calls->tree_start = calloc(calls->tree_count + 1, sizeof(*calls->tree_start));
    calls->stray = calloc(calls->tree_count + 1, sizeof(*calls->stray));
    if (!calls->tree_start || !calls->stray)
        return &bs_enomem;
    size_t tree = 0;
    for (size_t i = 0; i < trace->call_count; i++) {
        if (trace->calls[i].depth == 0)
            calls->tree_start[tree++] = (uint32_t)i;
    }
    calls->tree_start[tree] = (uint32_t)trace->call_count;
    return NULL;
}

static struct bs_place place_of_tree(const struct bs_calls *calls, size_t tree) {
    const struct bs_call *root = &calls->trace->calls[calls->tree_start[tree]];
    if (root->kind != BS_CALL_OPCODE || root->code == BS_CALL_NO_CODE)
        return (struct bs_place){BS_PLACE_NO_CODE, 0};
    return (struct bs_place){root->code, root->offset_units};
}

/*
 * Trees of instructions that the trace has, and which are not the instruction of the event that
 * they stand before, are from where the walk took another path.
 */
static struct bs_error *mark_strays(struct bs_calls *calls, const struct bs_numbering *numbering,
                                    const struct bs_place *places) {
    const struct bs_trace *trace = calls->trace;
    _cleanup_free_ bool *traced = calloc((size_t)numbering->count + 1, sizeof(*traced));
    if (!traced)
        return &bs_enomem;
    for (size_t i = 0; i < trace->event_count; i++) {
        const struct bs_event *event = &trace->events[i];
        if (event->kind == BS_EVENT_OPCODE)
            traced[bs_place_id(numbering, (struct bs_place){event->code, event->offset_units})] =
                true;
    }
    size_t event = 0;
    for (size_t tree = 0; tree < calls->tree_count; tree++) {
        while (event < trace->event_count && calls->first_tree[event + 1] <= tree)
            event++;
        uint32_t id = bs_place_id(numbering, places[tree]), own = BS_PLACE_NO_ID;
        if (event < trace->event_count)
            own = bs_place_id(numbering, (struct bs_place){trace->events[event].code,
                                                           trace->events[event].offset_units});
        bool opcode_elsewhere = id != BS_PLACE_NO_ID && id != own && traced[id];
        calls->stray[tree] |=
            opcode_elsewhere || trace->calls[calls->tree_start[tree]].kind == BS_CALL_OUTSIDE;
        calls->stray_count += opcode_elsewhere;
    }
    return NULL;
}

/* Whether a tree is that of RETURN_GENERATOR, the end of a frame that has no event. */
static bool makes_generator(const struct bs_calls *calls, const struct bs_numbering *numbering,
                            size_t tree) {
    const struct bs_call *root = &calls->trace->calls[calls->tree_start[tree]];
    return root->kind == BS_CALL_OPCODE && root->opcode == numbering->return_generator;
}

/*
 * What the interpreter runs of its own code objects (INTERPRETER_EXIT, what follows __init__) ends
 * something: it belongs to the event before it, not to the next. So does what makes a generator
 * that never ran, and the trace has no code of. More in a row than that is code that CALL made anew
 * in the walk, and which the trace has under another number: it is strayed.
 */
static void give_back(struct bs_calls *calls, const struct bs_numbering *numbering,
                      const struct bs_place *places) {
    const size_t events = calls->trace->event_count;
    size_t before = events; /* the event with trees before the present one */
    for (size_t i = 0; i < events; i++) {
        uint32_t first = calls->first_tree[i], kept = first;
        while (kept < calls->first_tree[i + 1] && places[kept].code == BS_PLACE_NO_CODE)
            kept++;
        const bool foreign =
            kept - first > OWN_OPCODES_MAX && !makes_generator(calls, numbering, kept - 1);
        for (uint32_t tree = first; foreign && tree < kept; tree++)
            calls->stray[tree] = true;
        const bool has_trees = kept < calls->first_tree[i + 1];
        if (before < events && (has_trees || i + 1 == events)) {
            for (size_t event = before + 1; event <= i; event++)
                calls->first_tree[event] = kept;
        }
        if (has_trees)
            before = i;
    }
}

static struct bs_error *match_trees(struct bs_calls *calls) {
    const struct bs_trace *trace = calls->trace;
    _cleanup_free_ struct bs_place *places = calloc(calls->tree_count + 1, sizeof(*places));
    calls->first_tree = calloc(trace->event_count + 1, sizeof(*calls->first_tree));
    if (!places || !calls->first_tree)
        return &bs_enomem;
    for (size_t tree = 0; tree < calls->tree_count; tree++)
        places[tree] = place_of_tree(calls, tree);
    struct bs_numbering numbering;
    struct bs_error *err = bs_numbering_init(trace, &numbering);
    if (!err)
        err =
            bs_match(&numbering, places, calls->tree_count, trace->event_count, calls->first_tree);
    if (!err)
        give_back(calls, &numbering, places);
    if (!err)
        err = mark_strays(calls, &numbering, places);
    bs_numbering_deinit(&numbering);
    return err;
}

static bool has_trees(const struct bs_calls *calls, size_t index) {
    return calls->first_tree[index] != calls->first_tree[index + 1];
}

/*
 * Whether an opcode without a tree ran as part of the one before it, which stands before it in the
 * code: a superinstruction, or a form that does the work of its successors too. Or both are the
 * same instruction: the one before was its EXTENDED_ARG.
 */
static bool ran_with(const struct bs_instruction *above, size_t run,
                     const struct bs_instruction *instruction) {
    return above && run <= RUN_TOGETHER_MAX && (above == instruction || above + 1 == instruction);
}

/* Count the opcodes without a tree. Where the walk ended early, those after its end have none. */
static void count_missing(struct bs_calls *calls) {
    const struct bs_trace *trace = calls->trace;
    const struct bs_instruction *above = NULL;
    size_t run = 0;
    for (size_t i = 0; i < trace->event_count; i++) {
        if (has_trees(calls, i))
            calls->end_event = i + 1;
    }
    bool whole = !(trace->header->flags & BS_IMAGE_CALLS_CUT) && !trace->header->walk_text;
    size_t end = whole ? trace->event_count : calls->end_event;
    for (size_t i = 0; i < end; i++) {
        if (trace->events[i].kind != BS_EVENT_OPCODE)
            continue;
        const struct bs_instruction *instruction = bs_trace_instruction(trace, &trace->events[i]);
        run = has_trees(calls, i) ? 1 : run + 1;
        if (run > 1 && !ran_with(above, run, instruction)) {
            calls->missing_event = calls->missing_count ? calls->missing_event : i;
            calls->missing_count++;
        }
        above = instruction;
    }
}

static struct bs_error *fill(struct bs_calls *calls) {
    struct bs_error *err;
    if ((err = bs_calls_check(calls->trace)) || (err = bs_calls_name(calls)) ||
        (err = find_trees(calls)) || (err = match_trees(calls)))
        return err;
    count_missing(calls);
    return NULL;
}

struct bs_error *bs_calls_create(const struct bs_trace *trace, struct bs_calls **ret) {
    *ret = NULL;
    if (!trace->call_count)
        return NULL;
    struct bs_calls *calls = calloc(1, sizeof(*calls));
    if (!calls)
        return &bs_enomem;
    calls->trace = trace;
    struct bs_error *err = fill(calls);
    if (err)
        bs_calls_destroy(calls);
    else
        *ret = calls;
    return err;
}

void bs_calls_destroy(struct bs_calls *calls) {
    if (!calls)
        return;
    free(calls->functions);
    free(calls->function_of);
    free(calls->tree_start);
    free(calls->first_tree);
    free(calls->stray);
    free(calls);
}

bool bs_calls_has_trees(const struct bs_trace *trace, size_t index) {
    return trace->walk && has_trees(trace->walk, index);
}
