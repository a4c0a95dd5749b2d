#include "core/row.h"

#include "core/text.h"

#include <inttypes.h>

/*
 * dis.Instruction has line_number, that of every instruction, from 3.13 on, and before that only
 * starts_line (Lib/dis.py). The listings show what there is.
 */
#define LINE_NUMBER_SINCE 0x030d0000u

uint32_t bs_row_line(const struct bs_row *row) {
    bool shown =
        row->instruction->starts_line || row->instructions->code->python >= LINE_NUMBER_SINCE;
    return shown ? row->instruction->line : BS_NO_LINE;
}

static void print_line(const struct bs_row *row, struct bs_buffer *buffer) {
    uint32_t line = bs_row_line(row);
    if (line != BS_NO_LINE)
        bs_buffer_number(buffer, line, 3);
}

static void print_current(const struct bs_row *row, struct bs_buffer *buffer) {
    if (row->current)
        bs_buffer_text(buffer, "-->");
}

static void print_jump_target(const struct bs_row *row, struct bs_buffer *buffer) {
    if (row->labels && row->instruction->label != BS_NO_LABEL)
        bs_buffer_format(buffer, "L%" PRIu32, row->instruction->label);
    else if (row->instruction->is_jump_target)
        bs_buffer_text(buffer, ">>");
}

static void print_offset(const struct bs_row *row, struct bs_buffer *buffer) {
    bs_buffer_number(buffer, 2 * (int64_t)row->instruction->offset_units, 0);
}

static void print_opcode(const struct bs_row *row, struct bs_buffer *buffer) {
    bs_buffer_text(buffer, bs_opcode_name(row->instructions->code->python, row->opcode));
}

static void print_arg(const struct bs_row *row, struct bs_buffer *buffer) {
    if (row->instruction->has_arg)
        bs_buffer_number(buffer, row->instruction->arg, 0);
}

static void print_argrepr(const struct bs_row *row, struct bs_buffer *buffer) {
    _cleanup_buffer_ struct bs_buffer text = BS_BUFFER_INIT;
    bs_instruction_argrepr(row->instructions, row->instruction, &text);
    bs_buffer_char(buffer, '(');
    bs_buffer_clean(buffer, bs_buffer_as_text(&text));
    bs_buffer_char(buffer, ')');
}

static const struct column {
    enum bs_style style;
    long width; /* what is shorter is filled up on the right; 0: the last one */
    void (*print)(const struct bs_row *row, struct bs_buffer *buffer);
} columns[] = {
    {BS_STYLE_DIM, 3, print_line},         {BS_STYLE_HOT, 3, print_current},
    {BS_STYLE_DIM, 3, print_jump_target},  {BS_STYLE_ADDRESS, 3, print_offset},
    {BS_STYLE_OPCODE, 20, print_opcode},   {BS_STYLE_PLAIN, 3, print_arg},
    {BS_STYLE_VARIABLE, 0, print_argrepr},
};

void bs_row_render(const struct bs_row *row, struct bs_buffer *buffer) {
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
        const struct column *column = &columns[i];
        size_t start = buffer->length, spans = buffer->span_count;
        bs_buffer_style(buffer, column->style);
        column->print(row, buffer);
        if (buffer->length == start)
            buffer->span_count = spans; /* nothing to style */
        else
            bs_buffer_style(buffer, BS_STYLE_PLAIN);
        if (column->width) {
            bs_buffer_fill(buffer, ' ', column->width - (long)(buffer->length - start));
            bs_buffer_char(buffer, ' ');
        }
    }
}
