/*
 * Instructions as text, remembered: one that runs a million times is rendered once. What the text
 * is, a row of a listing or something else, is up to who asks.
 */
#ifndef BS_CORE_ROWS_H
#define BS_CORE_ROWS_H

#include "core/row.h"
#include "core/trace.h"

typedef void (*bs_row_fn)(const struct bs_row *row, struct bs_buffer *buffer);

struct bs_rows {
    const struct bs_trace *trace;
    bs_row_fn render;
    bool adaptive;         /* show the opcode that ran, not the base form */
    struct bs_buffer text; /* rows end to end, with their styles */
    struct bs_row_place {
        size_t start_bytes, length_bytes, first_span, span_count;
        size_t columns; /* its width on a screen */
        uint8_t opcode;
        bool known;
    } * places; /* of each instruction of each code */
};

struct bs_error *bs_rows_init(const struct bs_trace *trace, bool adaptive, bs_row_fn render,
                              struct bs_rows *ret);
void bs_rows_deinit(struct bs_rows *rows);

/* The row of event number @p index, an OPCODE: valid until the next call. */
struct bs_row_place bs_rows_get(struct bs_rows *rows, size_t index);
/* Append it with its styles. */
void bs_rows_append(const struct bs_rows *rows, struct bs_row_place place,
                    struct bs_buffer *buffer);

#endif
