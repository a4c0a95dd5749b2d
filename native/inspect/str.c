/* Strings of the target: struct PyUnicodeObject, Include/cpython/unicodeobject.h. */
#include "core/text.h"
#include "inspect/field.h"
#include "inspect/object.h"

#include <inttypes.h>
#include <string.h>

/* unicode.state: interned:2, kind:3, compact:1, ascii:1, the same in every version. */
struct state {
    unsigned int width; /* bytes a code point: 1, 2 or 4 */
    bool compact, ascii;
};

struct str {
    struct state state;
    uint64_t length; /* in code points */
    uint64_t data_addr;
};

static struct bs_error *open_str(const struct bs_interpreter *python, uint64_t addr,
                                 struct str *ret) {
    const struct bs_layout *layout = &python->layout;
    struct str str = {};
    uint64_t state;
    struct bs_error *error = bs_object_expect(python, addr, BS_KIND_STR, "string");
    if (!error)
        error = bs_field(python, addr, unicode, length, &str.length);
    if (!error)
        error = bs_field(python, addr, unicode, state, &state);
    if (error)
        return error;
    str.state = (struct state){(state >> 2) & 7, (state >> 5) & 1, (state >> 6) & 1};
    if (str.state.width != 1 && str.state.width != 2 && str.state.width != 4)
        return bs_error_create(BS_ERROR_CORRUPT,
                               "unicode.state of the string at 0x%" PRIx64 " is 0x%" PRIx64, addr,
                               state);
    if (!str.state.compact)
        error = bs_field(python, addr, unicode, data, &str.data_addr);
    else
        str.data_addr = addr + (uint32_t)(str.state.ascii ? layout->unicode_ascii_data
                                                          : layout->unicode_compact_data);
    *ret = str;
    return error;
}

struct bs_error *bs_str_points(const struct bs_interpreter *python, uint64_t addr, size_t max_count,
                               uint8_t **ret_data, size_t *ret_count, unsigned int *ret_width) {
    struct str str;
    struct bs_error *error = open_str(python, addr, &str);
    if (error)
        return error;
    size_t count = str.length < max_count ? str.length : max_count;
    size_t length = count * str.state.width;
    _cleanup_free_ uint8_t *data = malloc(length + 1);
    if (!data)
        return &bs_enomem;
    error = bs_read_bytes(python->target, str.data_addr, "string", data, length);
    if (error)
        return error;
    *ret_data = bs_take(data);
    *ret_count = count;
    *ret_width = str.state.width;
    return NULL;
}

uint32_t bs_point_at(const uint8_t *data, unsigned int width, size_t index) {
    uint32_t point = 0;
    memcpy(&point, data + index * width, width);
    return point;
}

void bs_buffer_point(struct bs_buffer *buffer, uint32_t point) {
    char bytes[4];
    if (point >= 0xd800 && point < 0xe000) {
        bs_buffer_format(buffer, "\\u%04" PRIx32, point);
    } else if (point > 0x10ffff) {
        bs_buffer_format(buffer, "\\U%08" PRIx32, point);
    } else if (point < 0x80) {
        bs_buffer_char(buffer, (char)point);
    } else if (point < 0x800) {
        bytes[0] = (char)(0xc0 | point >> 6);
        bytes[1] = (char)(0x80 | (point & 0x3f));
        bs_buffer_append(buffer, bytes, 2);
    } else if (point < 0x10000) {
        bytes[0] = (char)(0xe0 | point >> 12);
        bytes[1] = (char)(0x80 | (point >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (point & 0x3f));
        bs_buffer_append(buffer, bytes, 3);
    } else {
        bytes[0] = (char)(0xf0 | point >> 18);
        bytes[1] = (char)(0x80 | (point >> 12 & 0x3f));
        bytes[2] = (char)(0x80 | (point >> 6 & 0x3f));
        bytes[3] = (char)(0x80 | (point & 0x3f));
        bs_buffer_append(buffer, bytes, 4);
    }
}

struct bs_error *bs_str_append(const struct bs_interpreter *python, uint64_t addr, size_t max_count,
                               struct bs_buffer *ret) {
    _cleanup_free_ uint8_t *data = NULL;
    size_t count;
    unsigned int width;
    struct bs_error *error = bs_str_points(python, addr, max_count, &data, &count, &width);
    for (size_t i = 0; !error && i < count; i++)
        bs_buffer_point(ret, bs_point_at(data, width, i));
    return error;
}

struct bs_error *bs_str_read(const struct bs_interpreter *python, uint64_t addr, size_t max_count,
                             struct bs_arena *arena, struct bs_text *ret) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    struct bs_error *error = bs_str_append(python, addr, max_count, &buffer);
    if (!error)
        error = bs_buffer_status(&buffer);
    if (!error && !bs_arena_text(arena, buffer.data, buffer.length, ret))
        error = &bs_enomem;
    return error;
}

struct bs_error *bs_str_equals(const struct bs_interpreter *python, uint64_t addr,
                               struct bs_text text, bool *ret) {
    struct str str;
    struct bs_error *error = open_str(python, addr, &str);
    *ret = false;
    if (error && error->code == BS_ERROR_CORRUPT) {
        bs_error_destroy(error);
        return NULL;
    }
    /* UTF-8 takes one to four bytes a code point: most strings differ in length already. */
    if (error || str.length > text.length || str.length * 4 < text.length ||
        (str.state.ascii && str.length != text.length))
        return error;
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    error = bs_str_append(python, addr, text.length, &buffer);
    if (!error)
        error = bs_buffer_status(&buffer);
    *ret = !error && bs_text_equal(bs_buffer_as_text(&buffer), text);
    return error;
}
