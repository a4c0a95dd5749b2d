/*
 * A growing byte buffer: everything that is rendered goes into one, and a sink may drain it.
 *
 * Failure sticks: after the first failed append the rest are no-ops, and bs_buffer_status() tells.
 * So a renderer appends without looking and is asked once at the end.
 *
 * Text may carry styles. bs_buffer_style() notes where in the bytes a style begins; the host that
 * prints the buffer turns the spans into its own colours. The bytes themselves hold no escapes.
 */
#ifndef BS_CORE_BUFFER_H
#define BS_CORE_BUFFER_H

#include "core/cleanup.h"
#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

enum bs_style {
    BS_STYLE_PLAIN,
    BS_STYLE_TITLE,    /* headings */
    BS_STYLE_FUNCTION, /* names of Python and C functions */
    BS_STYLE_FILE,
    BS_STYLE_VARIABLE, /* argument texts */
    BS_STYLE_ADDRESS,  /* offsets and addresses */
    BS_STYLE_OPCODE,
    BS_STYLE_SOURCE, /* lines of source text */
    BS_STYLE_TIME,
    BS_STYLE_HOT, /* a time that stands out */
    BS_STYLE_DIM, /* what matters least */
    BS_STYLE_ERROR,
    BS_STYLE_COUNT,
};

struct bs_span {
    size_t start_bytes; /* the style holds from here to the next span */
    enum bs_style style;
};

/* Receives @p length bytes (whole lines) and their spans, offsets from @p data. */
typedef struct bs_error *(*bs_sink_fn)(void *arg, const char *data, size_t length,
                                       const struct bs_span *spans, size_t span_count);

struct bs_buffer {
    char *data; /* not terminated */
    size_t length, capacity;
    struct bs_span *spans;
    size_t span_count, span_capacity;
    struct bs_error *error; /* the first failure */
    bs_sink_fn sink;        /* NULL: everything stays in memory */
    void *sink_arg;
};

#define BS_BUFFER_INIT                                                                             \
    {}

/* Release what @p buffer holds, its error included. */
void bs_buffer_deinit(struct bs_buffer *buffer);
#define _cleanup_buffer_ _cleanup_(bs_buffer_deinit)

void bs_buffer_append(struct bs_buffer *buffer, const char *data, size_t length);
void bs_buffer_text(struct bs_buffer *buffer, const char *text);
void bs_buffer_char(struct bs_buffer *buffer, char c);
/* Append @p count copies of @p c; none when @p count is not positive. */
void bs_buffer_fill(struct bs_buffer *buffer, char c, long count);
/* Append @p value in decimal, padded on the left to @p width: a fast bs_buffer_format("%*ld"). */
void bs_buffer_number(struct bs_buffer *buffer, int64_t value, int width);
void bs_buffer_format(struct bs_buffer *buffer, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
/* The style of what is appended from here on. */
void bs_buffer_style(struct bs_buffer *buffer, enum bs_style style);

/*
 * End the line, and with it what style it has. Hands the content to the sink once enough has
 * gathered, so that a listing of any length needs little memory.
 */
void bs_buffer_line_end(struct bs_buffer *buffer);

/* Fail with @p error, which is consumed, as a failed append does; NULL changes nothing. */
void bs_buffer_fail(struct bs_buffer *buffer, struct bs_error *error);

/* Hand what is left to the sink, and return the first failure; the caller owns it. */
struct bs_error *bs_buffer_status(struct bs_buffer *buffer);

/* Width on a terminal of UTF-8 text: code points, which is what the listings align by. */
size_t bs_text_columns(const char *data, size_t length);

#endif
