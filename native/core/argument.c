/* The texts beside an instruction: what its argument means, and what its inline cache holds. */
#include "core/decode.h"
#include "core/opcodes.h"
#include "core/text.h"
#include "format/image.h"

#include <inttypes.h>
#include <string.h>

#define OUT_OF_RANGE "<out of range>"

enum source {
    FROM_NOTHING, /* dis prints nothing */
    FROM_CONSTS,
    FROM_NAMES,
    FROM_LOCALS,
    FROM_CELLS,
    FROM_TEXTS,
    FROM_PAIR,
    FROM_FLAGS,
    FROM_JUMP,
};

/* Goes around the text when the argument has one of the bits. */
struct mark {
    uint32_t bits;
    const char *before, *after;
};

struct argument_form {
    enum source source;
    enum bs_text_list list; /* for texts and flags */
    unsigned int shift;     /* of the index in the argument */
    struct mark marks[2];
    const char *lead; /* of a jump */
};

#define NAMES(low_bits, ...)                                                                       \
    {                                                                                              \
        .source = FROM_NAMES, .shift = (low_bits), .marks = { __VA_ARGS__ }                        \
    }
#define TEXTS(name, ...)                                                                           \
    { .source = FROM_TEXTS, .list = BS_TEXTS_##name, __VA_ARGS__ }
#define JUMP(word)                                                                                 \
    { .source = FROM_JUMP, .lead = (word) }

/* What dis.py of each version prints, get_argval_argrepr() from 3.13 on. */
static const struct argument_form argument_forms[BS_ARGUMENT_COUNT] = {
    [BS_ARGUMENT_CONST] = {.source = FROM_CONSTS},
    [BS_ARGUMENT_NAME] = {.source = FROM_NAMES},
    [BS_ARGUMENT_NAME_NULL_BEFORE] = NAMES(1, {1, "NULL + ", ""}),
    [BS_ARGUMENT_NAME_NULL_AFTER] = NAMES(1, {1, "", " + NULL"}),
    [BS_ARGUMENT_NAME_SELF_BEFORE] = NAMES(1, {1, "NULL|self + ", ""}),
    [BS_ARGUMENT_NAME_SELF_AFTER] = NAMES(1, {1, "", " + NULL|self"}),
    [BS_ARGUMENT_SUPER_BEFORE] = NAMES(2, {1, "NULL|self + ", ""}),
    [BS_ARGUMENT_SUPER_AFTER] = NAMES(2, {1, "", " + NULL|self"}),
    [BS_ARGUMENT_NAME_LAZY] = NAMES(2, {1, "", " + lazy"}, {2, "", " + eager"}),
    [BS_ARGUMENT_LOCAL] = {.source = FROM_LOCALS},
    [BS_ARGUMENT_CELL] = {.source = FROM_CELLS},
    [BS_ARGUMENT_LOCAL_PAIR] = {.source = FROM_PAIR},
    [BS_ARGUMENT_JUMP_FORWARD] = JUMP("to "),
    [BS_ARGUMENT_JUMP_BACKWARD] = JUMP("to "),
    [BS_ARGUMENT_JUMP_ABSOLUTE] = JUMP("to "),
    [BS_ARGUMENT_JUMP_FROM] = JUMP("from "),
    [BS_ARGUMENT_COMPARE] = TEXTS(COMPARE),
    [BS_ARGUMENT_COMPARE_MASKED] = TEXTS(COMPARE, .shift = 4),
    [BS_ARGUMENT_COMPARE_BOOL] = TEXTS(COMPARE, .shift = 5, .marks = {{16, "bool(", ")"}}),
    [BS_ARGUMENT_BINARY] = TEXTS(BINARY),
    [BS_ARGUMENT_IS] = TEXTS(IS),
    [BS_ARGUMENT_IN] = TEXTS(IN),
    [BS_ARGUMENT_FORMAT] = TEXTS(FORMAT),
    [BS_ARGUMENT_CONVERT] = TEXTS(CONVERT),
    [BS_ARGUMENT_INTRINSIC_1] = TEXTS(INTRINSIC_1),
    [BS_ARGUMENT_INTRINSIC_2] = TEXTS(INTRINSIC_2),
    [BS_ARGUMENT_COMMON_CONSTANT] = TEXTS(COMMON_CONSTANT),
    [BS_ARGUMENT_SPECIAL] = TEXTS(SPECIAL),
    [BS_ARGUMENT_FUNCTION_FLAGS] = {.source = FROM_FLAGS, .list = BS_TEXTS_FUNCTION_FLAGS},
};

/* Where cells and free variables of 3.10 begin: after the other locals. */
static size_t first_cell(const struct bs_code *code) {
    size_t i = 0;
    while (i < code->kinds.length && code->kinds.data[i] & BS_LOCAL_PLAIN)
        i++;
    return i;
}

static bool text_at(const struct bs_texts *texts, size_t index, struct bs_text *ret) {
    if (index >= texts->count)
        return false;
    *ret = texts->items[index];
    return true;
}

static bool listed_text(const struct bs_code *code, enum bs_text_list list, size_t index,
                        struct bs_text *ret) {
    const char *text = NULL;
    if (index < BS_TEXTS_MAX)
        text = bs_opcodes_find(code->python)->texts[list][index];
    if (!text)
        return false;
    *ret = bs_text_of(text);
    return true;
}

/* The text that @p index stands for; false when it is out of range. */
static bool find_text(const struct bs_code *code, const struct argument_form *form, size_t index,
                      struct bs_text *ret) {
    switch (form->source) {
    case FROM_CONSTS:
        return text_at(&code->consts, index, ret);
    case FROM_NAMES:
        return text_at(&code->names, index, ret);
    case FROM_LOCALS:
        return text_at(&code->locals, index, ret);
    case FROM_CELLS:
        return text_at(&code->locals, first_cell(code) + index, ret);
    case FROM_TEXTS:
        return listed_text(code, form->list, index, ret);
    default:
        return false;
    }
}

/*
 * What goes around @p text for @p arg: the first mark that applies. An empty name, as "from .
 * import x" imports, gets none.
 */
static const struct mark *find_mark(const struct argument_form *form, uint32_t arg,
                                    struct bs_text text) {
    static const struct mark none = {0, "", ""};
    for (size_t i = 0; text.length && i < sizeof(form->marks) / sizeof(*form->marks); i++) {
        if (arg & form->marks[i].bits)
            return &form->marks[i];
    }
    return &none;
}

static void append_indexed(const struct bs_code *code, const struct argument_form *form,
                           uint32_t arg, struct bs_buffer *buffer) {
    struct bs_text text;
    if (!find_text(code, form, arg >> form->shift, &text)) {
        bs_buffer_text(buffer, OUT_OF_RANGE);
        return;
    }
    const struct mark *mark = find_mark(form, arg, text);
    bs_buffer_text(buffer, mark->before);
    bs_buffer_append(buffer, text.data, text.length);
    bs_buffer_text(buffer, mark->after);
}

static void append_pair(const struct bs_code *code, uint32_t arg, struct bs_buffer *buffer) {
    const struct argument_form *local = &argument_forms[BS_ARGUMENT_LOCAL];
    append_indexed(code, local, arg >> 4, buffer);
    bs_buffer_text(buffer, ", ");
    append_indexed(code, local, arg & 15, buffer);
}

/* Bits without a text are passed over, as dis does. */
static void append_flags(const struct bs_code *code, const struct argument_form *form, uint32_t arg,
                         struct bs_buffer *buffer) {
    const char *separator = "";
    struct bs_text text;
    for (size_t bit = 0; listed_text(code, form->list, bit, &text); bit++) {
        if (arg >> bit & 1) {
            bs_buffer_text(buffer, separator);
            bs_buffer_append(buffer, text.data, text.length);
            separator = ", ";
        }
    }
}

static void append_jump(const struct bs_instructions *instructions,
                        const struct argument_form *form, const struct bs_instruction *instruction,
                        struct bs_buffer *buffer) {
    if (!instruction->has_jump) {
        bs_buffer_text(buffer, OUT_OF_RANGE);
        return;
    }
    const struct bs_instruction *target = bs_instruction_at(instructions, instruction->jump_units);
    bs_buffer_text(buffer, form->lead);
    if (target->label != BS_NO_LABEL) {
        bs_buffer_char(buffer, 'L');
        bs_buffer_number(buffer, target->label, 0);
    } else {
        bs_buffer_number(buffer, (int64_t)target->offset_units * 2, 0);
    }
}

void bs_instruction_argrepr(const struct bs_instructions *instructions,
                            const struct bs_instruction *instruction, struct bs_buffer *buffer) {
    const struct bs_code *code = instructions->code;
    const struct bs_opcode *row = &bs_opcodes_find(code->python)->opcodes[instruction->opcode];
    const struct argument_form *form = &argument_forms[row->argument];
    switch (form->source) {
    case FROM_NOTHING:
        break;
    case FROM_PAIR:
        append_pair(code, instruction->arg, buffer);
        break;
    case FROM_FLAGS:
        append_flags(code, form, instruction->arg, buffer);
        break;
    case FROM_JUMP:
        append_jump(instructions, form, instruction, buffer);
        break;
    default:
        append_indexed(code, form, instruction->arg, buffer);
    }
}

/* The little-endian number in @p count_bytes bytes from @p bytes on; at most eight. */
static uint64_t cache_value(const char *bytes, size_t count_bytes) {
    uint64_t value = 0;
    while (count_bytes--)
        value = value << 8 | (uint8_t)bytes[count_bytes];
    return value;
}

void bs_instruction_caches(const struct bs_instructions *instructions,
                           const struct bs_instruction *instruction, struct bs_buffer *buffer) {
    const struct bs_code *code = instructions->code;
    const struct bs_cache_field *field = bs_opcodes_find(code->python)->caches;
    uint32_t unit = 0;
    if (!code->adaptive.length)
        return;
    while (field->name && field->opcode != instruction->opcode)
        field++;
    for (; field->name && field->opcode == instruction->opcode; field++) {
        if (unit + field->units > instruction->cache_units)
            return; /* the code ends in its cache */
        const char *bytes = code->adaptive.data + 2 * (instruction->offset_units + 1 + unit);
        bs_buffer_format(buffer, "%s%s: %" PRIu64, unit ? ", " : "", field->name,
                         cache_value(bytes, 2 * field->units));
        unit += field->units;
    }
}
