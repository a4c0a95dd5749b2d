#include "core/decode.h"

#include "core/linetable.h"
#include "core/opcodes.h"

const char *bs_opcode_name(uint32_t python, uint8_t opcode) {
    const struct bs_opcodes *opcodes = bs_opcodes_find(python);
    return opcodes ? opcodes->opcodes[opcode].name : NULL;
}

uint8_t bs_opcode_base(uint32_t python, uint8_t opcode) {
    const struct bs_opcodes *opcodes = bs_opcodes_find(python);
    return opcodes ? opcodes->opcodes[opcode].base : opcode;
}

/* The byte at @p offset of @p text, as the unsigned number that it is in bytecode. */
static uint8_t byte_at(struct bs_text text, size_t offset) {
    return (uint8_t)text.data[offset];
}

/* The row that says what the opcode in @p unit means: that of its base form. */
static const struct bs_opcode *base_row(const struct bs_opcodes *opcodes,
                                        const struct bs_code *code, size_t unit) {
    const struct bs_opcode *row = &opcodes->opcodes[byte_at(code->bytecode, 2 * unit)];
    return &opcodes->opcodes[row->base];
}

/* Say for each unit which instruction covers it; returns how many instructions there are. */
static size_t index_units(const struct bs_opcodes *opcodes, const struct bs_code *code,
                          uint32_t *by_unit, size_t unit_count) {
    size_t count = 0;
    for (size_t unit = 0; unit < unit_count; count++) {
        size_t end = unit + 1 + base_row(opcodes, code, unit)->cache_units;
        for (; unit < end && unit < unit_count; unit++)
            by_unit[unit] = (uint32_t)count;
    }
    return count;
}

/*
 * What runs in place of @p base. Instrumentation is taken off; where what is under it cannot be
 * told from the byte (INSTRUMENTED_LINE, ENTER_EXECUTOR), or the byte belongs to something else,
 * the base is all that is known.
 */
static uint8_t specialized_form(const struct bs_opcodes *opcodes, const struct bs_code *code,
                                size_t unit, uint8_t base) {
    if (!code->adaptive.length)
        return base;
    uint8_t form = byte_at(code->adaptive, 2 * unit);
    const struct bs_opcode *row = &opcodes->opcodes[form];
    return row->specialized && row->base == base ? form : base;
}

static void fill_items(const struct bs_opcodes *opcodes, struct bs_instructions *instructions) {
    const struct bs_code *code = instructions->code;
    uint32_t extended = 0;
    for (size_t unit = 0; unit < instructions->unit_count; unit++) {
        struct bs_instruction *item = &instructions->items[instructions->by_unit[unit]];
        if (unit && instructions->by_unit[unit] == instructions->by_unit[unit - 1]) {
            item->cache_units++;
            continue;
        }
        const struct bs_opcode *row = base_row(opcodes, code, unit);
        item->offset_units = (uint32_t)unit;
        item->opcode = row->base;
        item->specialized = specialized_form(opcodes, code, unit, row->base);
        item->line = BS_NO_LINE;
        item->has_arg = row->argument != BS_ARGUMENT_NONE;
        if (item->has_arg)
            item->arg = byte_at(code->bytecode, 2 * unit + 1) | extended;
        extended = row->argument == BS_ARGUMENT_EXTEND ? item->arg << 8 : 0;
    }
}

/* Where @p item jumps by its argument, in code units; false when it does not jump. */
static bool jump_units(const struct bs_opcodes *opcodes, const struct bs_instruction *item,
                       int64_t *ret) {
    const struct bs_opcode *row = &opcodes->opcodes[item->opcode];
    int64_t past = (int64_t)item->offset_units + 1 + row->cache_units;
    switch (row->argument) {
    case BS_ARGUMENT_JUMP_FORWARD:
        *ret = past + item->arg;
        return true;
    case BS_ARGUMENT_JUMP_BACKWARD:
    case BS_ARGUMENT_JUMP_FROM:
        *ret = past - item->arg;
        return true;
    case BS_ARGUMENT_JUMP_ABSOLUTE:
        *ret = item->arg;
        return true;
    default:
        return false;
    }
}

static void connect_jumps(const struct bs_opcodes *opcodes, struct bs_instructions *instructions) {
    int64_t units;
    for (size_t i = 0; i < instructions->count; i++) {
        struct bs_instruction *item = &instructions->items[i];
        if (!jump_units(opcodes, item, &units) || units < 0 ||
            units >= (int64_t)instructions->unit_count)
            continue;
        struct bs_instruction *target = &instructions->items[instructions->by_unit[units]];
        if (target->offset_units != units)
            continue;
        item->has_jump = true;
        item->jump_units = (uint32_t)units;
        target->is_jump_target = true;
    }
    uint32_t label = 0;
    for (size_t i = 0; opcodes->labels && i < instructions->count; i++) {
        if (instructions->items[i].is_jump_target)
            instructions->items[i].label = ++label;
    }
}

/* Give each instruction its line; see findlinestarts() in dis for which of them start one. */
static void assign_lines(const struct bs_opcodes *opcodes, struct bs_instructions *instructions) {
    const struct bs_code *code = instructions->code;
    struct bs_linetable walk;
    struct bs_line_range range;
    uint32_t last_line = BS_NO_LINE;
    size_t i = 0;
    bs_linetable_init(&walk, opcodes->line_format, code->linetable, code->first_line);
    while (i < instructions->count && bs_linetable_next(&walk, &range)) {
        bool starts = opcodes->blank_lines || (range.line != BS_NO_LINE && range.line != last_line);
        if (range.line != BS_NO_LINE)
            last_line = range.line;
        for (; i < instructions->count && instructions->items[i].offset_units < range.end_units;
             i++) {
            struct bs_instruction *item = &instructions->items[i];
            item->line = range.line;
            item->starts_line = starts && item->offset_units == range.start_units;
        }
    }
}

/* Whether the bytes are code units; offsets of jumps and lines must fit 32 bits in bytes. */
static struct bs_error *check_code(const struct bs_code *code) {
    int length = code->qualname.length < 200 ? (int)code->qualname.length : 200;
    if (code->bytecode.length % 2 || code->bytecode.length > INT32_MAX)
        return bs_error_create(BS_ERROR_CORRUPT, "the bytecode of %.*s has %zu bytes", length,
                               code->qualname.data, code->bytecode.length);
    if (code->adaptive.length && code->adaptive.length != code->bytecode.length)
        return bs_error_create(
            BS_ERROR_CORRUPT, "the bytecode of %.*s has %zu bytes, but %zu in its specialised form",
            length, code->qualname.data, code->bytecode.length, code->adaptive.length);
    return NULL;
}

struct bs_error *bs_decode_check(uint32_t python) {
    if (bs_opcodes_find(python))
        return NULL;
    return bs_error_create(BS_ERROR_UNSUPPORTED,
                           "the bytecode of Python %u.%u is not known, only that of 3.10 to 3.15",
                           python >> 24, python >> 16 & 255);
}

struct bs_error *bs_decode(const struct bs_code *code, struct bs_instructions *ret) {
    struct bs_error *error = bs_decode_check(code->python);
    if (!error)
        error = check_code(code);
    if (error)
        return error;
    const struct bs_opcodes *opcodes = bs_opcodes_find(code->python);
    struct bs_instructions made = {.code = code, .unit_count = code->bytecode.length / 2};
    if (made.unit_count) {
        made.by_unit = malloc(made.unit_count * sizeof(*made.by_unit));
        if (!made.by_unit)
            return &bs_enomem;
        made.count = index_units(opcodes, code, made.by_unit, made.unit_count);
        made.items = calloc(made.count, sizeof(*made.items));
        if (!made.items) {
            free(made.by_unit);
            return &bs_enomem;
        }
    }
    fill_items(opcodes, &made);
    connect_jumps(opcodes, &made);
    assign_lines(opcodes, &made);
    *ret = made;
    return NULL;
}

void bs_instructions_deinit(struct bs_instructions *instructions) {
    free(instructions->items);
    free(instructions->by_unit);
    *instructions = (struct bs_instructions){};
}

const struct bs_instruction *bs_instruction_at(const struct bs_instructions *instructions,
                                               uint32_t offset_units) {
    if (offset_units >= instructions->unit_count)
        return NULL;
    return &instructions->items[instructions->by_unit[offset_units]];
}
