/*
 * Fuzzes the decoder. The first byte is the minor version of Python and how the rest is meant: as a
 * heap with a `code` of format/image.h at its start, or, since few inputs get through that grammar,
 * as bare bytecode and tables (the next two bytes say how much of the rest is which).
 */
#include "core/decode.h"
#include "core/exception_table.h"
#include "core/heap.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MINOR_BITS 15
#define BARE       16

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

static void check_instruction(const struct bs_instructions *instructions, size_t i) {
    const struct bs_instruction *item = &instructions->items[i];
    _cleanup_buffer_ struct bs_buffer text = BS_BUFFER_INIT;
    HOLDS(bs_opcode_name(instructions->code->python, item->opcode));
    HOLDS(bs_opcode_base(instructions->code->python, item->specialized) == item->opcode);
    if (item->has_jump) {
        const struct bs_instruction *target = bs_instruction_at(instructions, item->jump_units);
        HOLDS(target && target->offset_units == item->jump_units && target->is_jump_target);
    }
    bs_instruction_argrepr(instructions, item, &text);
    bs_instruction_caches(instructions, item, &text);
    HOLDS(!bs_buffer_status(&text));
}

/* Whether every code unit belongs to one instruction, in order, and each makes sense by itself. */
static void check_instructions(const struct bs_instructions *instructions) {
    size_t unit = 0;
    for (size_t i = 0; i < instructions->count; i++) {
        const struct bs_instruction *item = &instructions->items[i];
        HOLDS(item->offset_units == unit);
        for (size_t end = unit + 1 + item->cache_units; unit < end; unit++)
            HOLDS(bs_instruction_at(instructions, (uint32_t)unit) == item);
        check_instruction(instructions, i);
    }
    HOLDS(unit == instructions->unit_count);
    HOLDS(!bs_instruction_at(instructions, (uint32_t)unit));
}

static void check_handlers(const struct bs_code *code) {
    struct bs_exception_table walk;
    struct bs_exception_range range;
    bs_exception_table_init(&walk, code->exceptiontable);
    for (size_t left = walk.left; bs_exception_table_next(&walk, &range); left = walk.left) {
        HOLDS(walk.left < left);
        HOLDS(range.start_units < range.end_units && range.end_units <= UINT32_MAX / 2);
    }
    HOLDS(!walk.left && !bs_exception_table_next(&walk, &range));
}

static void decode(const struct bs_code *code) {
    struct bs_instructions instructions;
    check_handlers(code);
    struct bs_error *error = bs_decode(code, &instructions);
    bs_error_destroy(error);
    if (error)
        return;
    check_instructions(&instructions);
    bs_instructions_deinit(&instructions);
}

static void decode_heap(uint32_t python, const uint8_t *data, size_t size) {
    struct bs_heap heap = {data, size};
    struct bs_code *code;
    struct bs_error *error = bs_heap_code(&heap, 0, python, &code);
    bs_error_destroy(error);
    if (error)
        return;
    decode(code);
    free(code);
}

/* Half of the bytecode is its specialised form, where there is to be one. */
static void decode_bare(uint32_t python, const uint8_t *data, size_t size) {
    static const struct bs_text texts[] = {{"one", 3}, {"two", 3}, {"", 0}, {"four", 4}};
    if (size < 2)
        return;
    struct bs_text rest = {(const char *)data + 2, size - 2};
    size_t bytecode = rest.length * data[0] / 255, adaptive = data[1] & 1 ? bytecode / 2 : 0;
    struct bs_code code = {.python = python,
                           .first_line = data[1],
                           .bytecode = {rest.data, bytecode - adaptive},
                           .adaptive = {rest.data + bytecode - adaptive, adaptive},
                           .linetable = {rest.data + bytecode, rest.length - bytecode},
                           .exceptiontable = {rest.data + bytecode, rest.length - bytecode},
                           .consts = {texts, 4},
                           .names = {texts, 3},
                           .locals = {texts, 4},
                           .kinds = {"\x20\x20\x40\x80", 4}};
    decode(&code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size)
        return 0;
    uint32_t python = 0x03000000 | (uint32_t)(data[0] & MINOR_BITS) << 16;
    /* On the heap, so that reading past either end is seen. */
    uint8_t *rest = malloc(size);
    HOLDS(rest);
    memcpy(rest, data + 1, size - 1);
    rest = realloc(rest, size - 1 ? size - 1 : 1);
    if (data[0] & BARE)
        decode_bare(python, rest, size - 1);
    else
        decode_heap(python, rest, size - 1);
    free(rest);
    return 0;
}
