#include "core/buffer.h"

#include "core/grow.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Enough that a sink that costs a debugger call is seldom called. */
#define DRAIN_BYTES (64 * 1024)

void bs_buffer_deinit(struct bs_buffer *buffer) {
    free(buffer->data);
    free(buffer->spans);
    bs_error_destroy(buffer->error);
    *buffer = (struct bs_buffer)BS_BUFFER_INIT;
}

/* Room for @p extra more bytes; false when there is none, which sticks. */
static bool reserve(struct bs_buffer *buffer, size_t extra) {
    if (buffer->error)
        return false;
    if (buffer->capacity - buffer->length >= extra)
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity * 2 : 256;
    while (capacity - buffer->length < extra)
        capacity *= 2;
    char *data = realloc(buffer->data, capacity);
    if (!data) {
        buffer->error = &bs_enomem;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void bs_buffer_append(struct bs_buffer *buffer, const char *data, size_t length) {
    if (!length || !reserve(buffer, length))
        return;
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
}

void bs_buffer_text(struct bs_buffer *buffer, const char *text) {
    bs_buffer_append(buffer, text, strlen(text));
}

void bs_buffer_char(struct bs_buffer *buffer, char c) {
    bs_buffer_append(buffer, &c, 1);
}

void bs_buffer_fill(struct bs_buffer *buffer, char c, long count) {
    if (count <= 0 || !reserve(buffer, (size_t)count))
        return;
    memset(buffer->data + buffer->length, c, (size_t)count);
    buffer->length += (size_t)count;
}

void bs_buffer_number(struct bs_buffer *buffer, int64_t value, int width) {
    char digits[24];
    char *end = digits + sizeof(digits), *start = end;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        *--start = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        *--start = '-';
    bs_buffer_fill(buffer, ' ', width - (end - start));
    bs_buffer_append(buffer, start, (size_t)(end - start));
}

void bs_buffer_format(struct bs_buffer *buffer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || !reserve(buffer, (size_t)length + 1))
        return;
    va_start(args, format);
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, args);
    va_end(args);
    buffer->length += (size_t)length;
}

void bs_buffer_style(struct bs_buffer *buffer, enum bs_style style) {
    if (buffer->error)
        return;
    struct bs_span *spans =
        bs_grow(buffer->spans, buffer->span_count, &buffer->span_capacity, sizeof(*spans));
    if (!spans) {
        buffer->error = &bs_enomem;
        return;
    }
    buffer->spans = spans;
    spans[buffer->span_count++] = (struct bs_span){buffer->length, style};
}

static void drain(struct bs_buffer *buffer) {
    if (!buffer->sink || buffer->error || !buffer->length)
        return;
    buffer->error = buffer->sink(buffer->sink_arg, buffer->data, buffer->length, buffer->spans,
                                 buffer->span_count);
    buffer->length = 0;
    buffer->span_count = 0;
}

void bs_buffer_line_end(struct bs_buffer *buffer) {
    if (buffer->span_count && buffer->spans[buffer->span_count - 1].style != BS_STYLE_PLAIN)
        bs_buffer_style(buffer, BS_STYLE_PLAIN);
    bs_buffer_char(buffer, '\n');
    if (buffer->length >= DRAIN_BYTES)
        drain(buffer);
}

void bs_buffer_fail(struct bs_buffer *buffer, struct bs_error *error) {
    if (buffer->error)
        bs_error_destroy(error);
    else
        buffer->error = error;
}

struct bs_error *bs_buffer_status(struct bs_buffer *buffer) {
    drain(buffer);
    struct bs_error *error = buffer->error;
    buffer->error = NULL;
    return error;
}

size_t bs_text_columns(const char *data, size_t length) {
    size_t columns = 0;
    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)data[i] & 0xc0) != 0x80;
    return columns;
}
