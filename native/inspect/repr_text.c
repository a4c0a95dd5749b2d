/* repr() of str and bytes: Objects/unicodeobject.c, Objects/bytesobject.c. */
#include "inspect/object.h"
#include "inspect/repr.h"

#include <inttypes.h>
#include <string.h>

/*
 * Code points that str.isprintable() rejects, as ranges in order. `until` is the version from which
 * a range is printable, because that version's Unicode assigned it; 0 for never.
 */
struct range {
    uint32_t first, last, until;
};
static const struct range unprintable[] = {
#define BS_ROW(first, last, until) {first, last, until},
#include "inspect/unprintable.def"
#undef BS_ROW
};

bool bs_point_is_printable(uint32_t python, uint32_t point) {
    size_t low = 0, high = sizeof(unprintable) / sizeof(*unprintable);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct range *range = &unprintable[middle];
        if (point < range->first)
            high = middle;
        else if (point > range->last)
            low = middle + 1;
        else
            return range->until && (python & 0xffff0000) >= range->until;
    }
    return point <= 0x10ffff;
}

/* ' unless the text has one and no ". */
static char choose_quote(const uint8_t *data, size_t count, unsigned int width) {
    bool single = false;
    for (size_t i = 0; i < count; i++) {
        uint32_t point = bs_point_at(data, width, i);
        if (point == '"')
            return '\'';
        single |= point == '\'';
    }
    return single ? '"' : '\'';
}

/* What str and bytes escape alike; false when @p point is none of it. */
static bool append_escape(struct bs_buffer *buffer, uint32_t point, char quote) {
    switch (point) {
    case '\t':
        bs_buffer_text(buffer, "\\t");
        return true;
    case '\n':
        bs_buffer_text(buffer, "\\n");
        return true;
    case '\r':
        bs_buffer_text(buffer, "\\r");
        return true;
    default:
        if (point != '\\' && point != (uint32_t)quote)
            return false;
        bs_buffer_char(buffer, '\\');
        bs_buffer_char(buffer, (char)point);
        return true;
    }
}

static void append_point(struct bs_buffer *buffer, uint32_t python, uint32_t point) {
    if (point >= ' ' && point < 0x7f)
        bs_buffer_char(buffer, (char)point);
    else if (point >= 0x80 && bs_point_is_printable(python, point))
        bs_buffer_point(buffer, point);
    else if (point < 0x100)
        bs_buffer_format(buffer, "\\x%02" PRIx32, point);
    else if (point < 0x10000)
        bs_buffer_format(buffer, "\\u%04" PRIx32, point);
    else
        bs_buffer_format(buffer, "\\U%08" PRIx32, point);
}

void bs_repr_points(struct bs_buffer *buffer, uint32_t python, const uint8_t *data, size_t count,
                    unsigned int width) {
    char quote = choose_quote(data, count, width);
    bs_buffer_char(buffer, quote);
    for (size_t i = 0; i < count; i++) {
        uint32_t point = bs_point_at(data, width, i);
        if (!append_escape(buffer, point, quote))
            append_point(buffer, python, point);
    }
    bs_buffer_char(buffer, quote);
}

void bs_repr_bytes(struct bs_buffer *buffer, const uint8_t *data, size_t count) {
    char quote = choose_quote(data, count, 1);
    bs_buffer_char(buffer, 'b');
    bs_buffer_char(buffer, quote);
    for (size_t i = 0; i < count; i++) {
        if (append_escape(buffer, data[i], quote))
            continue;
        if (data[i] >= ' ' && data[i] < 0x7f)
            bs_buffer_char(buffer, (char)data[i]);
        else
            bs_buffer_format(buffer, "\\x%02x", data[i]);
    }
    bs_buffer_char(buffer, quote);
}
