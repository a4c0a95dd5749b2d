/* From recordings written by hand to trees: what calls, returns, jumps and dispatches mean. */
#include "agent/walk_tree.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 256
#define STACK_TOP 0x10000u

/* A recording that is written as a program would run. */
struct script {
    struct walk_step steps[STEPS_MAX];
    size_t count;
    uint64_t pc_addr, stack_addr; /* of the next step */
    bool told;                    /* where functions begin */
};

static void begin(struct script *script, uint64_t pc_addr) {
    *script = (struct script){.pc_addr = pc_addr, .stack_addr = STACK_TOP};
}

static struct walk_step *step(struct script *script, enum insn_kind kind, uint64_t next_addr,
                              int64_t stack_change) {
    struct walk_step *made = &script->steps[script->count++];
    *made = (struct walk_step){
        .pc_addr = script->pc_addr,
        .kind = kind,
        .stack_addr = script->stack_addr,
    };
    script->pc_addr = next_addr;
    script->stack_addr += (uint64_t)stack_change;
    return made;
}

static void plain(struct script *script, int count) {
    for (int i = 0; i < count; i++)
        step(script, INSN_OTHER, script->pc_addr + 4, 0);
}

static void call(struct script *script, uint64_t target_addr) {
    step(script, INSN_CALL, target_addr, -8);
}

static void back(struct script *script, uint64_t to_addr) {
    step(script, INSN_RETURN, to_addr, 8);
}

/* The instruction at the present address is the first of the handler of @p opcode, for the opcode
   at @p where. */
static void dispatch(struct script *script, uint8_t opcode, uint64_t where) {
    struct walk_step *made = step(script, INSN_OTHER, script->pc_addr + 4, 0);
    made->dispatched = true;
    made->opcode = opcode;
    made->word = where;
}

/* Functions begin at multiples of 0x1000; nothing is known above 0x100000. */
static enum walk_entry told_entry(void *arg, uint64_t addr) {
    if (addr >= 0x100000)
        return WALK_ENTRY_UNKNOWN;
    return addr % 0x1000 ? WALK_ENTRY_INSIDE : WALK_ENTRY_BEGINS;
}

/* The trees as text: one line for each node, indented, "kind address own", "!" after what is cut.
 */
static char *grown(const struct script *script, bool cut) {
    const struct walk_functions functions = {.entry = script->told ? told_entry : NULL};
    static const char *const names[] = {
        [BS_CALL_OUTSIDE] = "outside",     [BS_CALL_OPCODE] = "opcode", [BS_CALL_FUNCTION] = "call",
        [BS_CALL_EVALUATOR] = "evaluator", [BS_CALL_JUMP] = "jump",     [BS_CALL_SYSTEM] = "system",
    };
    struct walk_recording recording = {
        .steps = (struct walk_step *)script->steps,
        .count = script->count,
        .capacity = STEPS_MAX,
        .cut = cut,
    };
    struct walk_forest forest;
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    if (!file || !bs_forest_grow(&recording, &functions, &forest))
        abort();
    for (size_t i = 0; i < forest.count; i++) {
        const struct walk_node *node = &forest.nodes[i];
        fprintf(
            file, "%*s%s %llx %u%s\n", 2 * node->depth, "", names[node->kind],
            (unsigned long long)(node->kind == BS_CALL_OPCODE ? node->where : node->function_addr),
            node->instructions, !node->depth && forest.cut[node->tree] ? " !" : "");
    }
    if (forest.ends_early)
        fprintf(file, "%s\n", forest.ends_early);
    bs_forest_deinit(&forest);
    fclose(file);
    return text;
}

#define CHECK_TREES(script, expected)                                                              \
    do {                                                                                           \
        char *text = grown((script), false);                                                       \
        CHECK_TEXT(text, (expected));                                                              \
        free(text);                                                                                \
    } while (0)

TEST(tree, calls_nest_and_count_their_own) {
    struct script script;
    begin(&script, 0x100);
    plain(&script, 1);
    call(&script, 0x1000);
    plain(&script, 3);
    call(&script, 0x2000);
    plain(&script, 1);
    back(&script, 0x1014);
    plain(&script, 2);
    back(&script, 0x108);
    call(&script, 0x2000);
    back(&script, 0x110);
    plain(&script, 1);
    /* 3 before the call, the call, 2 after it, the return; the walked call itself is not counted.
     */
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 1000 7\n"
                         "    call 2000 2\n"
                         "  call 2000 1\n");
}

TEST(tree, one_unwinding_ends_many_frames) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    call(&script, 0x2000);
    call(&script, 0x3000);
    call(&script, 0x4000);
    step(&script, INSN_JUMP, 0x1010, 3 * 8); /* longjmp */
    plain(&script, 1);
    call(&script, 0x5000);
    back(&script, 0x1020);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 1000 4\n"
                         "    call 2000 1\n"
                         "      call 3000 1\n"
                         "        call 4000 1\n"
                         "    call 5000 1\n");
}

/* What libgcc does to enter a landing pad: the stack pointer goes up, then it returns. */
TEST(tree, a_return_after_unwinding_is_no_return) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    step(&script, INSN_OTHER, 0x1004, -64);
    call(&script, 0x2000);
    call(&script, 0x3000);
    step(&script, INSN_OTHER, 0x3004, 8 + 8); /* past both return addresses */
    back(&script, 0x1040);
    plain(&script, 1);
    step(&script, INSN_OTHER, 0x1048, 64 - 8);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 1000 6\n"
                         "    call 2000 1\n"
                         "      call 3000 1\n");
}

/* What ffi_call_unix64 of libffi does. */
TEST(tree, a_function_may_move_into_the_frame_of_its_caller) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    step(&script, INSN_OTHER, 0x1004, -64);
    call(&script, 0x2000);
    step(&script, INSN_OTHER, 0x2004, 8 + 16);
    call(&script, 0x3000);
    plain(&script, 1);
    back(&script, 0x2009);
    step(&script, INSN_OTHER, 0x200d, 24);
    back(&script, 0x1009);
    step(&script, INSN_OTHER, 0x100d, 64 - 8 - 16 - 24);
    plain(&script, 1);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 1000 5\n"
                         "    call 2000 4\n"
                         "      call 3000 2\n");
}

/* Where it went for good, by a jump, is not known, but that both are gone when the caller is. */
TEST(tree, one_that_moved_ends_with_its_caller_at_last) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    step(&script, INSN_OTHER, 0x1004, -64);
    call(&script, 0x2000);
    step(&script, INSN_OTHER, 0x2004, 8 + 32);
    step(&script, INSN_JUMP, 0x1020, 0);
    step(&script, INSN_OTHER, 0x1024, 32);
    back(&script, 0x108);
    call(&script, 0x4000);
    back(&script, 0x110);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 1000 2\n"
                         "    call 2000 4\n"
                         "  call 4000 1\n");
}

TEST(tree, a_return_without_a_call_ends_it) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    plain(&script, 1);
    step(&script, INSN_OTHER, 0x1008, -0x4000); /* to another stack */
    back(&script, 0x9000);
    call(&script, 0x5000);
    plain(&script, 1);
    char *text = grown(&script, false);
    CHECK_TEXT(text, "outside 0 0 !\n"
                     "  call 1000 3\n"
                     "it switched to another stack\n");
    free(text);
}

TEST(tree, a_stack_above_the_walked_call_ends_it) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    step(&script, INSN_OTHER, 0x1008, 0x4000);
    plain(&script, 3);
    char *text = grown(&script, false);
    CHECK_TEXT(text, "outside 0 0 !\n"
                     "  call 1000 1\n"
                     "it switched to another stack\n");
    free(text);
}

TEST(tree, a_tail_call_is_a_jump_at_the_depth_of_the_entry) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    plain(&script, 2);
    step(&script, INSN_JUMP, 0x2000, 0);
    plain(&script, 3);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 1000 3\n"
                         "    jump 2000 4\n");
}

TEST(tree, loops_are_no_tail_calls) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    plain(&script, 2);
    step(&script, INSN_JUMP, 0x1004, 0); /* back to where it was */
    plain(&script, 1);
    step(&script, INSN_BRANCH, 0x1020, 0); /* a little ahead */
    step(&script, INSN_OTHER, 0x1024, -16);
    step(&script, INSN_JUMP, 0x3000, 0); /* far away, but with things on the stack */
    step(&script, INSN_OTHER, 0x3004, 16);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 1000 9\n");
}

TEST(tree, a_far_branch_is_a_jump) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x10000);
    step(&script, INSN_BRANCH, 0x30000, 0);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 10000 1\n"
                         "    jump 30000 1\n");
}

TEST(tree, only_where_a_function_begins_is_a_jump_a_tail_call) {
    struct script script;
    begin(&script, 0x100);
    script.told = true;
    call(&script, 0x10000);
    step(&script, INSN_JUMP, 0x30010, 0);   /* into the middle: a cold part */
    step(&script, INSN_JUMP, 0x10008, 0);   /* and back */
    step(&script, INSN_BRANCH, 0x10000, 0); /* a loop to the beginning */
    step(&script, INSN_BRANCH, 0x20000, 0); /* between what was executed already */
    step(&script, INSN_JUMP, 0x200000, 0);  /* not known, but elsewhere */
    step(&script, INSN_JUMP, 0x200000, 0);  /* not known */
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 10000 4\n"
                         "    jump 20000 1\n"
                         "      jump 200000 2\n");
}

TEST(tree, a_linkage_stub_is_what_it_leads_to) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    plain(&script, 1); /* endbr64 */
    step(&script, INSN_JUMP_MEMORY, 0x700000, 0);
    plain(&script, 3);
    step(&script, INSN_JUMP, 0x1000, 0); /* a tail call, through a stub too */
    step(&script, INSN_JUMP_MEMORY, 0x800000, 0);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 700000 6\n"
                         "    jump 800000 2\n");
}

TEST(tree, repeated_string_instructions_count_once) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    for (int i = 0; i < 5; i++)
        step(&script, INSN_REPEAT, 0x1000, 0);
    step(&script, INSN_REPEAT, 0x1002, 0);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 1000 2\n");
}

TEST(tree, system_calls_are_leaves) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    step(&script, INSN_SYSCALL, 0x1002, 0)->word = 39;
    plain(&script, 1);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 1000 3\n"
                         "    system 27 0\n");
}

/* An evaluator runs three opcodes, of which the second calls back into another evaluator. */
TEST(tree, opcodes_are_trees_and_calls_belong_to_the_latest) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000); /* evaluator */
    plain(&script, 2);
    script.pc_addr = 0x1100;
    dispatch(&script, 1, 0xa0);
    plain(&script, 1);
    script.pc_addr = 0x1200;
    dispatch(&script, 2, 0xa2);
    call(&script, 0x2000); /* sort */
    plain(&script, 1);
    call(&script, 0x1000); /* evaluator again */
    plain(&script, 2);
    script.pc_addr = 0x1100;
    dispatch(&script, 1, 0xb0);
    call(&script, 0x3000);
    back(&script, 0x1108);
    back(&script, 0x2008);
    plain(&script, 4);
    back(&script, 0x1208);
    plain(&script, 1);
    script.pc_addr = 0x1100;
    dispatch(&script, 1, 0xa4);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  evaluator 1000 2\n"
                         "opcode a0 2\n"
                         "opcode a2 3\n"
                         "  call 2000 7\n"
                         "    evaluator 1000 2\n"
                         "opcode b0 3\n"
                         "  call 3000 1\n"
                         "opcode a4 2\n");
}

TEST(tree, a_second_dispatch_of_the_same_opcode_goes_on_with_it) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    plain(&script, 1);
    script.pc_addr = 0x1100;
    dispatch(&script, 11, 0xa0); /* specialised, and gives up */
    script.pc_addr = 0x1200;
    dispatch(&script, 1, 0xa0);
    plain(&script, 1);
    script.pc_addr = 0x1200;
    dispatch(&script, 1, 0xa2);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  evaluator 1000 1\n"
                         "opcode a0 3\n"
                         "opcode a2 2\n");
}

/* Handlers that are functions of their own are reached by jumps. */
TEST(tree, dispatching_by_tail_calls_is_no_jump) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000); /* _PyEval_EvalFrameDefault */
    call(&script, 0x2000); /* the first handler */
    script.count--;
    script.stack_addr += 8;
    script.pc_addr = 0x1000;
    step(&script, INSN_CALL, 0x2000, -8);
    dispatch(&script, 1, 0xa0);
    step(&script, INSN_JUMP, 0x3000, 0);
    dispatch(&script, 2, 0xa2);
    step(&script, INSN_JUMP, 0x9000, 0); /* not a handler: a shared error path */
    plain(&script, 1);
    step(&script, INSN_JUMP, 0x2000, 0);
    dispatch(&script, 1, 0xa4);
    back(&script, 0x1008);
    back(&script, 0x108);
    plain(&script, 1);
    CHECK_TREES(&script, "outside 0 0\n"
                         "  call 1000 2\n"
                         "    evaluator 2000 0\n"
                         "opcode a0 2\n"
                         "opcode a2 2\n"
                         "  jump 9000 2\n"
                         "opcode a4 2\n");
}

TEST(tree, what_was_at_work_at_the_limit_is_cut) {
    struct script script;
    begin(&script, 0x100);
    call(&script, 0x1000);
    plain(&script, 1);
    script.pc_addr = 0x1100;
    dispatch(&script, 1, 0xa0);
    script.pc_addr = 0x1200;
    dispatch(&script, 2, 0xa2);
    call(&script, 0x2000);
    plain(&script, 2);
    char *text = grown(&script, true);
    CHECK_TEXT(text, "outside 0 0 !\n"
                     "  evaluator 1000 1\n"
                     "opcode a0 1\n"
                     "opcode a2 2 !\n"
                     "  call 2000 1\n");
    free(text);
}

TEST(tree, nothing_gives_nothing) {
    struct walk_recording recording = {};
    struct walk_forest forest;
    CHECK(bs_forest_grow(&recording, &(struct walk_functions){}, &forest));
    CHECK_EQ(forest.count, 0);
    bs_forest_deinit(&forest);
}
