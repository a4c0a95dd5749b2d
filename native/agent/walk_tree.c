#include "agent/walk_tree.h"

#include <stdlib.h>
#include <string.h>

#define NODES_FIRST  1024u
#define FRAMES_FIRST 64u
#define DEPTH_MAX    UINT16_MAX

/* A conditional jump that leads this far away leads out of the function. */
#define FAR_BYTES 4096u

/* Instructions of a stub of a procedure linkage table, up to its jump: endbr64, jmp. */
#define STUB_INSTRUCTIONS 2

/* A frame of the machine stack. */
struct frame {
    uint64_t return_slot;         /* address of its return address */
    uint64_t low_addr, high_addr; /* what `node` has executed here lies in between, inclusive */
    uint64_t where;               /* the opcode that it runs */
    uint32_t node;                /* to which its instructions belong now */
    bool is_evaluator;
    bool moved; /* its return address is somewhere in the caller's frame */
};

struct grower {
    const struct walk_functions *functions;
    struct walk_forest *forest;
    size_t node_capacity;
    struct frame *frames; /* innermost last; the first is the walked call itself */
    size_t frame_count, frame_capacity;
    bool unwound;   /* the latest frames to go went without a return */
    bool no_memory; /* sticks */
};

static struct frame *top(const struct grower *grower) {
    return &grower->frames[grower->frame_count - 1];
}

static struct walk_node *top_node(const struct grower *grower) {
    return &grower->forest->nodes[top(grower)->node];
}

/* Append a node; returns its index, or that of another when there is no memory. */
static uint32_t add_node(struct grower *grower, const struct walk_node *node) {
    struct walk_forest *forest = grower->forest;
    if (forest->count == grower->node_capacity) {
        size_t capacity = grower->node_capacity ? grower->node_capacity * 2 : NODES_FIRST;
        struct walk_node *nodes = realloc(forest->nodes, capacity * sizeof(*nodes));
        if (!nodes) {
            grower->no_memory = true;
            return 0;
        }
        forest->nodes = nodes;
        grower->node_capacity = capacity;
    }
    forest->nodes[forest->count] = *node;
    return (uint32_t)forest->count++;
}

/* A node below that of the innermost frame. */
static uint32_t add_child(struct grower *grower, enum bs_call_kind kind, uint64_t function_addr,
                          uint64_t site_addr) {
    const struct walk_node *parent = top_node(grower);
    if (parent->depth == DEPTH_MAX) {
        grower->forest->ends_early = "its calls nest too deeply";
        return top(grower)->node;
    }
    struct walk_node node = {
        .function_addr = function_addr,
        .site_addr = site_addr,
        .tree = parent->tree,
        .depth = (uint16_t)(parent->depth + 1),
        .kind = (uint8_t)kind,
    };
    return add_node(grower, &node);
}

static void add_tree(struct grower *grower, struct frame *frame, struct walk_node *root) {
    root->tree = grower->forest->tree_count++;
    frame->node = add_node(grower, root);
}

static void push_frame(struct grower *grower, const struct walk_step *at, uint32_t node) {
    if (grower->frame_count == grower->frame_capacity) {
        size_t capacity = grower->frame_capacity ? grower->frame_capacity * 2 : FRAMES_FIRST;
        struct frame *frames = realloc(grower->frames, capacity * sizeof(*frames));
        if (!frames) {
            grower->no_memory = true;
            return;
        }
        grower->frames = frames;
        grower->frame_capacity = capacity;
    }
    grower->frames[grower->frame_count++] = (struct frame){
        .return_slot = at->stack_addr,
        .low_addr = at->pc_addr,
        .high_addr = at->pc_addr,
        .node = node,
    };
}

static bool is_call(const struct walk_step *from, const struct walk_step *to) {
    return from->kind == INSN_CALL && to->stack_addr == from->stack_addr - sizeof(uint64_t);
}

static void call_function(struct grower *grower, const struct walk_step *from,
                          const struct walk_step *to) {
    push_frame(grower, to, add_child(grower, BS_CALL_FUNCTION, to->pc_addr, from->pc_addr));
}

/*
 * Whether the innermost function goes on with its stack in its caller's frame, as libffi does to
 * have arguments there that the caller has laid out: it took its return address along. A function
 * that only drops it does not go further up.
 */
static bool moves_up(const struct grower *grower, const struct walk_step *from,
                     const struct walk_step *to) {
    return from->kind == INSN_OTHER && grower->frame_count > 1 &&
           to->stack_addr > top(grower)->return_slot + sizeof(uint64_t) &&
           to->stack_addr < (top(grower) - 1)->return_slot;
}

/* Frames whose return address the stack pointer has passed are gone. Whether there were any. */
static bool leave_functions(struct grower *grower, const struct walk_step *from,
                            const struct walk_step *to) {
    bool returns = from->kind == INSN_RETURN;
    if (moves_up(grower, from, to)) {
        top(grower)->return_slot = (top(grower) - 1)->return_slot;
        top(grower)->moved = true;
        return false;
    }
    if (returns && top(grower)->moved && from->stack_addr < top(grower)->return_slot) {
        grower->frame_count--;
        return true;
    }
    if (returns && from->stack_addr != top(grower)->return_slot && !grower->unwound)
        grower->forest->ends_early = "it switched to another stack";
    size_t before = grower->frame_count;
    while (grower->frame_count > 1 && top(grower)->return_slot < to->stack_addr)
        grower->frame_count--;
    if (grower->frame_count != before)
        grower->unwound = !returns;
    if (top(grower)->return_slot < to->stack_addr)
        grower->forest->ends_early = "it switched to another stack";
    return grower->frame_count != before;
}

static enum walk_entry entry_at(const struct walk_functions *functions, uint64_t addr) {
    return functions->entry ? functions->entry(functions->arg, addr) : WALK_ENTRY_UNKNOWN;
}

/* Whether @p addr is where @p frame has not been yet. A branch does not lead far. */
static bool is_elsewhere(const struct frame *frame, enum insn_kind kind, uint64_t addr) {
    uint64_t margin = kind == INSN_BRANCH ? FAR_BYTES : 0;
    return addr + margin < frame->low_addr || addr > frame->high_addr + margin;
}

/* Whether a jump that does not dispatch is a tail call. */
static bool is_tail_call(const struct grower *grower, enum insn_kind kind,
                         const struct walk_step *to) {
    const struct frame *frame = top(grower);
    if (to->stack_addr != frame->return_slot ||
        (kind != INSN_JUMP && kind != INSN_JUMP_MEMORY && kind != INSN_BRANCH))
        return false;
    enum walk_entry entry = entry_at(grower->functions, to->pc_addr);
    if (entry == WALK_ENTRY_UNKNOWN)
        return is_elsewhere(frame, kind, to->pc_addr);
    return entry == WALK_ENTRY_BEGINS && to->pc_addr != top_node(grower)->function_addr;
}

/* Whether @p node has done nothing but what a linkage stub does: it is its target then. */
static bool is_linkage_stub(const struct walk_node *node, enum insn_kind kind) {
    return kind == INSN_JUMP_MEMORY && node->instructions <= STUB_INSTRUCTIONS &&
           (node->kind == BS_CALL_FUNCTION || node->kind == BS_CALL_JUMP);
}

static void jump(struct grower *grower, const struct walk_step *from, const struct walk_step *to) {
    struct frame *frame = top(grower);
    if (!is_tail_call(grower, from->kind, to))
        return;
    if (is_linkage_stub(top_node(grower), from->kind))
        top_node(grower)->function_addr = to->pc_addr;
    else
        frame->node = add_child(grower, BS_CALL_JUMP, to->pc_addr, from->pc_addr);
    frame->low_addr = frame->high_addr = to->pc_addr;
}

static void dispatch(struct grower *grower, const struct walk_step *to) {
    struct frame *frame = top(grower);
    if (frame->is_evaluator && frame->where == to->word)
        return; /* the specialised form gave up, and the general one is at the same opcode */
    if (!frame->is_evaluator && grower->frame_count > 1)
        top_node(grower)->kind = BS_CALL_EVALUATOR;
    add_tree(grower, frame,
             &(struct walk_node){
                 .function_addr = to->pc_addr,
                 .where = to->word,
                 .kind = BS_CALL_OPCODE,
                 .opcode = (uint8_t)to->opcode,
             });
    frame->is_evaluator = true;
    frame->where = to->word;
    frame->low_addr = frame->high_addr = to->pc_addr;
}

/* Account for the instruction at @p step. */
static void execute(struct grower *grower, const struct walk_step *step) {
    struct frame *frame = top(grower);
    if (top_node(grower)->kind != BS_CALL_OUTSIDE) /* that one is ours, not the user's */
        top_node(grower)->instructions++;
    grower->forest->instructions++;
    if (step->pc_addr < frame->low_addr)
        frame->low_addr = step->pc_addr;
    if (step->pc_addr > frame->high_addr)
        frame->high_addr = step->pc_addr;
    if (step->kind == INSN_SYSCALL)
        add_child(grower, BS_CALL_SYSTEM, step->word, step->pc_addr);
}

/* A string instruction traps at each iteration, but is one instruction. */
static bool repeats(const struct walk_step *from, const struct walk_step *to) {
    return from->kind == INSN_REPEAT && to->pc_addr == from->pc_addr;
}

/* What @p from did, seen from where it led. */
static void follow(struct grower *grower, const struct walk_step *from,
                   const struct walk_step *to) {
    if (repeats(from, to))
        return;
    bool stays = false; /* in the same frame */
    execute(grower, from);
    if (is_call(from, to))
        call_function(grower, from, to);
    else
        stays = !leave_functions(grower, from, to);
    if (grower->no_memory)
        return;
    if (to->dispatched)
        dispatch(grower, to);
    else if (stays)
        jump(grower, from, to);
}

/* Nodes came in the order of time: bring those of each tree together, in that order still. */
static bool sort_by_tree(struct walk_forest *forest) {
    struct walk_node *sorted = malloc((forest->count + 1) * sizeof(*sorted));
    size_t *next = calloc(forest->tree_count + 1, sizeof(*next));
    bool good = sorted && next;
    if (good) {
        for (size_t i = 0; i < forest->count; i++)
            next[forest->nodes[i].tree + 1]++;
        for (size_t i = 0; i < forest->tree_count; i++)
            next[i + 1] += next[i];
        for (size_t i = 0; i < forest->count; i++)
            sorted[next[forest->nodes[i].tree]++] = forest->nodes[i];
        free(forest->nodes);
        forest->nodes = sorted;
        sorted = NULL;
    }
    free(sorted);
    free(next);
    return good;
}

/* Trees that are still at work when the steps end. */
static bool mark_cut(const struct grower *grower, bool ended) {
    struct walk_forest *forest = grower->forest;
    forest->cut = calloc(forest->tree_count + 1, sizeof(*forest->cut));
    if (!forest->cut)
        return false;
    for (size_t i = 0; i < grower->frame_count && !ended; i++)
        forest->cut[forest->nodes[grower->frames[i].node].tree] = true;
    return true;
}

static bool grow(struct grower *grower, const struct walk_recording *recording) {
    struct walk_forest *forest = grower->forest;
    const struct walk_step *steps = recording->steps;
    if (!recording->count)
        return true;
    push_frame(grower, &steps[0], 0);
    if (grower->no_memory)
        return false;
    add_tree(grower, top(grower), &(struct walk_node){.kind = BS_CALL_OUTSIDE});
    for (size_t i = 0; i + 1 < recording->count && !grower->no_memory && !forest->ends_early; i++)
        follow(grower, &steps[i], &steps[i + 1]);
    if (!recording->cut && !forest->ends_early)
        execute(grower, &steps[recording->count - 1]);
    return !grower->no_memory && mark_cut(grower, !recording->cut && !forest->ends_early) &&
           sort_by_tree(forest);
}

bool bs_forest_grow(const struct walk_recording *recording, const struct walk_functions *functions,
                    struct walk_forest *ret) {
    struct grower grower = {.functions = functions, .forest = ret};
    *ret = (struct walk_forest){};
    bool good = grow(&grower, recording);
    free(grower.frames);
    if (!good)
        bs_forest_deinit(ret);
    return good;
}

void bs_forest_deinit(struct walk_forest *forest) {
    free(forest->nodes);
    free(forest->cut);
    *forest = (struct walk_forest){};
}
