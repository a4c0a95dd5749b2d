#include "check.h"
#include "core/decode.h"
#include "core/opcodes.h"
#include "core/row.h"

#include <stdio.h>
#include <string.h>

#define PY(minor)        (0x03000000u | (uint32_t)(minor) << 16)
#define TEXT(text)       ((struct bs_text){(text), sizeof(text) - 1})
#define ITEM_COUNT(list) (sizeof(list) / sizeof(*(list)))
#define OUT_OF_RANGE     "<out of range>"

static uint8_t opcode(uint32_t python, const char *name) {
    for (int i = 0; i < 256; i++) {
        if (!strcmp(bs_opcode_name(python, (uint8_t)i), name))
            return (uint8_t)i;
    }
    check_text(name, (size_t)-1, "a known opcode", "name", __FILE__, __LINE__);
    return 0;
}

/* Bytecode in the making, and what it refers to. */
struct program {
    struct bs_code code;
    char bytes[256], adaptive[256];
};

static void program_init(struct program *program, uint32_t python) {
    static const struct bs_text consts[] = {{"None", 4}, {"'text'", 6}};
    static const struct bs_text names[] = {{"print", 5}, {"path", 4}, {"", 0}};
    static const struct bs_text locals[] = {{"a", 1}, {"b", 1}, {"cell", 4}, {"free", 4}};
    *program = (struct program){.code = {.python = python,
                                         .qualname = TEXT("f"),
                                         .first_line = 7,
                                         .consts = {consts, ITEM_COUNT(consts)},
                                         .names = {names, ITEM_COUNT(names)},
                                         .locals = {locals, ITEM_COUNT(locals)},
                                         .kinds = TEXT("\x20\x20\x40\x80")}};
    program->code.bytecode.data = program->bytes;
}

/* Append one instruction without its caches. */
static void add_bare(struct program *program, const char *name, uint8_t arg) {
    size_t at = program->code.bytecode.length;
    program->bytes[at] = (char)opcode(program->code.python, name);
    program->bytes[at + 1] = (char)arg;
    program->code.bytecode.length = at + 2;
}

static void add(struct program *program, const char *name, uint8_t arg) {
    uint32_t python = program->code.python;
    add_bare(program, name, arg);
    program->code.bytecode.length +=
        2 * bs_opcodes_find(python)->opcodes[opcode(python, name)].cache_units;
}

/* Let the instruction at @p unit run as @p name. */
static void run_as(struct program *program, size_t unit, const char *name) {
    if (!program->code.adaptive.length)
        memcpy(program->adaptive, program->bytes, sizeof(program->bytes));
    program->code.adaptive = (struct bs_text){program->adaptive, program->code.bytecode.length};
    program->adaptive[2 * unit] = (char)opcode(program->code.python, name);
}

/* Decode, and check the argument text of each instruction; @p expected ends with NULL. */
static void check_argreprs(const struct program *program, const char *const *expected) {
    struct bs_instructions instructions;
    size_t i = 0;
    if (!CHECK_OK(bs_decode(&program->code, &instructions)))
        return;
    for (; i < instructions.count && expected[i]; i++) {
        _cleanup_buffer_ struct bs_buffer text = BS_BUFFER_INIT;
        bs_buffer_text(&text, "");
        bs_instruction_argrepr(&instructions, &instructions.items[i], &text);
        CHECK_BYTES(text.data ? text.data : "", text.length, expected[i]);
    }
    CHECK_EQ((int64_t)i, (int64_t)instructions.count);
    CHECK(!expected[i]);
    bs_instructions_deinit(&instructions);
}

#define CHECK_ARGREPRS(program, ...)                                                               \
    check_argreprs((program), (const char *const[]){__VA_ARGS__, NULL})

TEST(decode, names_carry_their_marks) {
    struct program program;
    program_init(&program, PY(15));
    add(&program, "LOAD_GLOBAL", 0 << 1 | 1);
    add(&program, "LOAD_GLOBAL", 1 << 1);
    add(&program, "LOAD_ATTR", 1 << 1 | 1);
    add(&program, "LOAD_SUPER_ATTR", 1 << 2 | 3);
    CHECK_ARGREPRS(&program, "print + NULL", "path", "path + NULL|self", "path + NULL|self");
    program_init(&program, PY(12));
    add(&program, "LOAD_GLOBAL", 0 << 1 | 1);
    add(&program, "LOAD_ATTR", 1 << 1 | 1);
    add(&program, "LOAD_SUPER_ATTR", 1 << 2 | 2);
    CHECK_ARGREPRS(&program, "NULL + print", "NULL|self + path", "path");
}

TEST(decode, imports_of_3_15_say_how) {
    struct program program;
    program_init(&program, PY(15));
    for (uint8_t flags = 0; flags < 4; flags++)
        add(&program, "IMPORT_NAME", 1 << 2 | flags);
    add(&program, "IMPORT_NAME", 2 << 2 | 1); /* from . import */
    CHECK_ARGREPRS(&program, "path", "path + lazy", "path + eager", "path + lazy", "");
}

TEST(decode, cells_of_3_10_are_numbered_apart) {
    struct program program;
    program_init(&program, PY(10));
    add(&program, "LOAD_FAST", 1);
    add(&program, "LOAD_DEREF", 0);
    add(&program, "LOAD_CLOSURE", 1);
    add(&program, "LOAD_DEREF", 2);
    CHECK_ARGREPRS(&program, "b", "cell", "free", OUT_OF_RANGE);
    program_init(&program, PY(11));
    add(&program, "LOAD_DEREF", 2);
    CHECK_ARGREPRS(&program, "cell");
}

TEST(decode, comparisons_carry_more_in_later_versions) {
    static const struct {
        uint32_t python;
        uint8_t arg;
        const char *expected;
    } cases[] = {
        {PY(10), 3, "!="},
        {PY(11), 3, "!="},
        {PY(12), 3 << 4 | 2, "!="},
        {PY(13), 3 << 5 | 2, "!="},
        {PY(13), 3 << 5 | 16, "bool(!=)"},
        {PY(14), 6 << 5 | 16, OUT_OF_RANGE},
    };
    for (size_t i = 0; i < ITEM_COUNT(cases); i++) {
        struct program program;
        program_init(&program, cases[i].python);
        add(&program, "COMPARE_OP", cases[i].arg);
        CHECK_ARGREPRS(&program, cases[i].expected);
    }
}

TEST(decode, pairs_and_flags_are_joined) {
    struct program program;
    program_init(&program, PY(13));
    add(&program, "STORE_FAST_LOAD_FAST", 0x12);
    add(&program, "STORE_FAST_LOAD_FAST", 0xf0);
    add(&program, "SET_FUNCTION_ATTRIBUTE", 1 | 8);
    add(&program, "SET_FUNCTION_ATTRIBUTE", 0xe0);
    CHECK_ARGREPRS(&program, "b, cell", OUT_OF_RANGE ", a", "defaults, closure", "");
}

TEST(decode, jumps_go_to_offsets_before_3_13) {
    struct program program;
    program_init(&program, PY(10));
    add(&program, "JUMP_ABSOLUTE", 2);
    add(&program, "JUMP_FORWARD", 0);
    add(&program, "NOP", 0);
    CHECK_ARGREPRS(&program, "to 4", "to 4", "");
    program_init(&program, PY(12));
    add(&program, "FOR_ITER", 1);
    add(&program, "JUMP_BACKWARD", 3);
    add(&program, "NOP", 0);
    CHECK_ARGREPRS(&program, "to 6", "to 0", "");
}

TEST(decode, jumps_go_to_labels_from_3_13_on) {
    struct program program;
    program_init(&program, PY(14));
    add(&program, "JUMP_FORWARD", 5);
    add(&program, "NOP", 0);
    add(&program, "JUMP_BACKWARD", 3);
    add(&program, "END_ASYNC_FOR", 2);
    add(&program, "JUMP_FORWARD", 0);
    add(&program, "NOP", 0);
    CHECK_ARGREPRS(&program, "to L2", "", "to L1", OUT_OF_RANGE, "to L2", "");
}

TEST(decode, rows_name_a_jump_target_as_jumps_do) {
    struct program program;
    struct bs_instructions instructions;
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    program_init(&program, PY(14));
    add(&program, "NOP", 0);
    add(&program, "JUMP_BACKWARD", 3); /* back to the first */
    if (!CHECK_OK(bs_decode(&program.code, &instructions)))
        return;
    for (int labels = 0; labels < 2; labels++) {
        bs_row_render(&(struct bs_row){.instructions = &instructions,
                                       .instruction = instructions.items,
                                       .opcode = instructions.items->opcode,
                                       .labels = labels},
                      &buffer);
        bs_buffer_line_end(&buffer);
    }
    bs_buffer_char(&buffer, '\0');
    CHECK_TEXT(buffer.data, "        >>  0   NOP                      ()\n"
                            "        L1  0   NOP                      ()\n");
    bs_instructions_deinit(&instructions);
}

/* What follows are bytes that no compiler makes. */

TEST(decode, jumps_that_lead_nowhere_are_none) {
    struct program program;
    struct bs_instructions instructions;
    program_init(&program, PY(13));
    add(&program, "JUMP_FORWARD", 1);               /* into the cache of the next */
    add(&program, "JUMP_BACKWARD", 200);            /* before the start */
    add(&program, "JUMP_FORWARD", 0);               /* just past the end */
    add(&program, "JUMP_BACKWARD_NO_INTERRUPT", 0); /* the same */
    program.code.bytecode.length -= 2;
    if (!CHECK_OK(bs_decode(&program.code, &instructions)))
        return;
    CHECK_EQ(instructions.count, 3);
    for (size_t i = 0; i < instructions.count; i++) {
        CHECK(!instructions.items[i].has_jump);
        CHECK(!instructions.items[i].is_jump_target);
        CHECK_EQ(instructions.items[i].label, BS_NO_LABEL);
    }
    CHECK_ARGREPRS(&program, OUT_OF_RANGE, OUT_OF_RANGE, OUT_OF_RANGE);
    bs_instructions_deinit(&instructions);
}

TEST(decode, extended_args_add_up_and_wrap) {
    struct program program;
    struct bs_instructions instructions;
    program_init(&program, PY(12));
    for (uint8_t i = 1; i <= 4; i++)
        add(&program, "EXTENDED_ARG", i);
    add(&program, "LOAD_CONST", 5);
    add(&program, "LOAD_CONST", 1);
    if (!CHECK_OK(bs_decode(&program.code, &instructions)))
        return;
    CHECK_EQ(instructions.count, 6);
    CHECK_EQ(instructions.items[3].arg, 0x01020304);
    CHECK_EQ(instructions.items[4].arg, 0x02030405);
    CHECK_EQ(instructions.items[5].arg, 1);
    CHECK_EQ(instructions.items[4].offset_units, 4);
    CHECK_ARGREPRS(&program, "", "", "", "", OUT_OF_RANGE, "'text'");
    bs_instructions_deinit(&instructions);
}

TEST(decode, extended_args_may_be_all_there_is) {
    struct program program;
    program_init(&program, PY(13));
    add(&program, "EXTENDED_ARG", 255);
    add(&program, "EXTENDED_ARG", 255);
    CHECK_ARGREPRS(&program, "", "");
}

/* dis: an instruction that takes no argument ends a chain of EXTENDED_ARG. */
TEST(decode, extended_args_end_at_an_instruction_without_argument) {
    struct program program;
    program_init(&program, PY(13));
    add(&program, "EXTENDED_ARG", 1);
    add(&program, "NOP", 9);
    add(&program, "LOAD_CONST", 1);
    CHECK_ARGREPRS(&program, "", "", "'text'");
}

TEST(decode, caches_may_be_cut_off) {
    struct program program;
    struct bs_instructions instructions;
    program_init(&program, PY(13));
    add(&program, "NOP", 0);
    add_bare(&program, "LOAD_ATTR", 0);
    add_bare(&program, "CACHE", 0);
    if (!CHECK_OK(bs_decode(&program.code, &instructions)))
        return;
    CHECK_EQ(instructions.count, 2);
    CHECK_EQ(instructions.items[1].cache_units, 1);
    CHECK(bs_instruction_at(&instructions, 0) == &instructions.items[0]);
    CHECK(bs_instruction_at(&instructions, 1) == &instructions.items[1]);
    CHECK(bs_instruction_at(&instructions, 2) == &instructions.items[1]);
    CHECK(!bs_instruction_at(&instructions, 3));
    CHECK(!bs_instruction_at(&instructions, UINT32_MAX));
    bs_instructions_deinit(&instructions);
}

TEST(decode, no_code_is_no_instructions) {
    struct program program;
    struct bs_instructions instructions;
    program_init(&program, PY(13));
    if (!CHECK_OK(bs_decode(&program.code, &instructions)))
        return;
    CHECK_EQ(instructions.count, 0);
    CHECK(!bs_instruction_at(&instructions, 0));
    bs_instructions_deinit(&instructions);
}

TEST(decode, lengths_that_cannot_be_are_errors) {
    struct program program;
    struct bs_instructions instructions;
    program_init(&program, PY(13));
    program.code.bytecode.length = 3;
    CHECK_ERROR(bs_decode(&program.code, &instructions), BS_ERROR_CORRUPT,
                "the bytecode of f has 3 bytes");
    program.code.bytecode.length = 4;
    program.code.adaptive = (struct bs_text){program.adaptive, 2};
    CHECK_ERROR(bs_decode(&program.code, &instructions), BS_ERROR_CORRUPT,
                "4 bytes, but 2 in its specialised form");
}

TEST(decode, other_versions_are_an_error) {
    struct program program;
    struct bs_instructions instructions;
    program_init(&program, PY(9));
    CHECK_ERROR(bs_decode(&program.code, &instructions), BS_ERROR_UNSUPPORTED, "Python 3.9");
}

/* Every opcode with every argument, alone and with nothing to refer to. */
TEST(decode, every_code_unit_decodes) {
    for (unsigned int minor = 10; minor <= 15; minor++) {
        for (unsigned int unit = 0; unit < 65536; unit++) {
            char bytes[2] = {(char)(unit >> 8), (char)unit};
            struct bs_code code = {.python = PY(minor), .bytecode = {bytes, 2}};
            struct bs_instructions instructions;
            _cleanup_buffer_ struct bs_buffer text = BS_BUFFER_INIT;
            if (!CHECK_OK(bs_decode(&code, &instructions)))
                return;
            bs_instruction_argrepr(&instructions, &instructions.items[0], &text);
            bs_instruction_caches(&instructions, &instructions.items[0], &text);
            if (bs_buffer_status(&text) || text.length > 64)
                CHECK_EQ(unit, -1);
            bs_instructions_deinit(&instructions);
        }
    }
}

static void check_form(const struct program *program, size_t i, const char *expected) {
    struct bs_instructions instructions;
    if (!CHECK_OK(bs_decode(&program->code, &instructions)))
        return;
    if (CHECK(i < instructions.count))
        CHECK_TEXT(bs_opcode_name(program->code.python, instructions.items[i].specialized),
                   expected);
    bs_instructions_deinit(&instructions);
}

TEST(decode, adaptive_bytes_tell_the_form) {
    struct program program;
    program_init(&program, PY(12));
    add(&program, "LOAD_FAST", 0);
    add(&program, "LOAD_FAST", 1);
    add(&program, "BINARY_OP", 0);
    add(&program, "RETURN_VALUE", 0);
    check_form(&program, 0, "LOAD_FAST");
    run_as(&program, 0, "LOAD_FAST__LOAD_FAST");
    run_as(&program, 2, "BINARY_OP_ADD_INT");
    check_form(&program, 0, "LOAD_FAST__LOAD_FAST");
    check_form(&program, 1, "LOAD_FAST");
    check_form(&program, 2, "BINARY_OP_ADD_INT");
}

TEST(decode, instrumentation_is_taken_off) {
    struct program program;
    program_init(&program, PY(12));
    add(&program, "RESUME", 0);
    add(&program, "RETURN_VALUE", 0);
    run_as(&program, 0, "INSTRUMENTED_LINE");
    run_as(&program, 1, "INSTRUMENTED_RETURN_VALUE");
    check_form(&program, 0, "RESUME");
    check_form(&program, 1, "RETURN_VALUE");
}

TEST(decode, a_form_of_something_else_is_not_believed) {
    struct program program;
    program_init(&program, PY(13));
    add(&program, "RETURN_VALUE", 0);
    run_as(&program, 0, "BINARY_OP_ADD_INT");
    check_form(&program, 0, "RETURN_VALUE");
}

/* What inspect/ reads from memory: opcodes as specialised, in place of the original ones. */
TEST(decode, forms_in_the_bytecode_decode_as_their_base) {
    struct program program;
    struct bs_instructions instructions;
    program_init(&program, PY(13));
    add_bare(&program, "LOAD_GLOBAL_BUILTIN", 1);
    program.code.bytecode.length += 8;
    add(&program, "NOP", 0);
    if (!CHECK_OK(bs_decode(&program.code, &instructions)))
        return;
    CHECK_EQ(instructions.count, 2);
    CHECK_EQ(instructions.items[0].opcode, opcode(PY(13), "LOAD_GLOBAL"));
    bs_instructions_deinit(&instructions);
    CHECK_ARGREPRS(&program, "print + NULL", "");
}

TEST(decode, caches_are_named) {
    struct program program;
    struct bs_instructions instructions;
    _cleanup_buffer_ struct bs_buffer text = BS_BUFFER_INIT;
    program_init(&program, PY(13));
    add(&program, "STORE_ATTR", 0);
    run_as(&program, 0, "STORE_ATTR_SLOT");
    memcpy(program.adaptive + 2, "\x11\x02\xff\xff\xff\xff\x05\x00", 8);
    if (!CHECK_OK(bs_decode(&program.code, &instructions)))
        return;
    bs_instruction_caches(&instructions, &instructions.items[0], &text);
    CHECK_BYTES(text.data, text.length, "counter: 529, version: 4294967295, index: 5");
    bs_instructions_deinit(&instructions);

    program.code.bytecode.length = program.code.adaptive.length = 6;
    if (!CHECK_OK(bs_decode(&program.code, &instructions)))
        return;
    text.length = 0;
    bs_instruction_caches(&instructions, &instructions.items[0], &text);
    CHECK_BYTES(text.data, text.length, "counter: 529");
    bs_instructions_deinit(&instructions);
}

/* The lines of each instruction as "7! 7 8! -": "!" where one starts. */
static void check_lines(const struct program *program, const char *expected) {
    struct bs_instructions instructions;
    char text[256] = "";
    size_t at = 0;
    if (!CHECK_OK(bs_decode(&program->code, &instructions)))
        return;
    for (size_t i = 0; i < instructions.count; i++) {
        const struct bs_instruction *item = &instructions.items[i];
        const char *mark = item->starts_line ? "!" : "";
        at += (size_t)(item->line == BS_NO_LINE
                           ? sprintf(text + at, "%s-%s", i ? " " : "", mark)
                           : sprintf(text + at, "%s%u%s", i ? " " : "", item->line, mark));
    }
    CHECK_TEXT(text, expected);
    bs_instructions_deinit(&instructions);
}

/* The table is: line 7, none, line 7, line 9, one unit each. The last instruction has no entry. */
TEST(decode, lines_start_where_dis_says) {
    struct program program;
    for (unsigned int minor = 10; minor <= 13; minor++) {
        program_init(&program, PY(minor));
        program.code.linetable = minor == 10 ? TEXT("\x02\x00\x02\x80\x02\x00\x02\x02")
                                             : TEXT("\xe8\x00\xf8\xe8\x00\xe0\x00\x00");
        for (int i = 0; i < 5; i++)
            add(&program, "NOP", 0);
        check_lines(&program, minor == 13 ? "7! -! 7! 9! -" : "7! - 7 9! -");
    }
}
