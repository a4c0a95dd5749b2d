#include "core/rows.h"

/* Rows beyond this much text are rendered anew each time. */
#define REMEMBERED_BYTES (64u << 20)

struct bs_error *bs_rows_init(const struct bs_trace *trace, bool adaptive, bs_row_fn render,
                              struct bs_rows *ret) {
    struct bs_rows rows = {.trace = trace, .adaptive = adaptive, .render = render};
    rows.places = calloc(trace->instruction_count + 1, sizeof(*rows.places));
    if (!rows.places)
        return &bs_enomem;
    *ret = rows;
    return NULL;
}

void bs_rows_deinit(struct bs_rows *rows) {
    bs_buffer_deinit(&rows->text);
    free(rows->places);
}

static struct bs_row_place render(struct bs_rows *rows, const struct bs_row *row) {
    struct bs_row_place place = {
        .start_bytes = rows->text.length,
        .first_span = rows->text.span_count,
        .opcode = row->opcode,
        .known = true,
    };
    rows->render(row, &rows->text);
    place.length_bytes = rows->text.length - place.start_bytes;
    place.span_count = rows->text.span_count - place.first_span;
    place.columns = bs_text_columns(rows->text.data + place.start_bytes, place.length_bytes);
    return place;
}

/* A place that is rendered but not kept: the text is taken back, and its bytes stay for now. */
static struct bs_row_place render_once(struct bs_rows *rows, const struct bs_row *row) {
    struct bs_row_place place = render(rows, row);
    rows->text.length = place.start_bytes;
    rows->text.span_count = place.first_span;
    return place;
}

struct bs_row_place bs_rows_get(struct bs_rows *rows, size_t index) {
    const struct bs_trace *trace = rows->trace;
    const struct bs_event *event = &trace->events[index];
    const struct bs_trace_code *code = &trace->codes[event->code];
    const struct bs_instruction *instruction = bs_trace_instruction(trace, event);
    const struct bs_row row = {
        .instructions = &code->instructions,
        .instruction = instruction,
        .opcode = rows->adaptive ? bs_trace_opcode(trace, index) : instruction->opcode,
    };
    struct bs_row_place *place =
        &rows->places[code->first + (size_t)(instruction - code->instructions.items)];
    if (place->known && place->opcode == row.opcode)
        return *place;
    /* The form that came first is kept; one that is not seen often is not worth a table. */
    if (place->known || rows->text.length > REMEMBERED_BYTES)
        return render_once(rows, &row);
    return *place = render(rows, &row);
}

void bs_rows_append(const struct bs_rows *rows, struct bs_row_place place,
                    struct bs_buffer *buffer) {
    const char *data = rows->text.data;
    size_t at = place.start_bytes;
    for (size_t i = 0; i < place.span_count; i++) {
        const struct bs_span *span = &rows->text.spans[place.first_span + i];
        bs_buffer_append(buffer, data + at, span->start_bytes - at);
        bs_buffer_style(buffer, span->style);
        at = span->start_bytes;
    }
    bs_buffer_append(buffer, data + at, place.start_bytes + place.length_bytes - at);
}
