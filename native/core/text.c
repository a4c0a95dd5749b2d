#include "core/text.h"

#include <stdint.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Bytes of the UTF-8 sequence at the start of @p length bytes; 0 when there is none. */
static size_t sequence_bytes(const unsigned char *data, size_t length) {
    size_t bytes = data[0] < 0x80             ? 1
                   : (data[0] & 0xe0) == 0xc0 ? 2
                   : (data[0] & 0xf0) == 0xe0 ? 3
                   : (data[0] & 0xf8) == 0xf0 ? 4
                                              : 0;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t point = data[0] & (0xff >> (bytes + 1));
    if (!bytes || bytes > length || bytes == 1)
        return bytes == 1;
    for (size_t i = 1; i < bytes; i++) {
        if ((data[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (data[i] & 0x3f);
    }
    bool good = point >= smallest[bytes] && point <= 0x10ffff && (point & ~0x7ffu) != 0xd800;
    return good ? bytes : 0;
}

/* C0 without the tab, DEL, and C1, which UTF-8 spells c2 80 to c2 9f. */
static bool is_control(const unsigned char *data, size_t bytes) {
    return bytes == 1 ? (data[0] < 0x20 && data[0] != '\t') || data[0] == 0x7f
                      : bytes == 2 && data[0] == 0xc2 && data[1] < 0xa0;
}

/*
 * What makes a terminal show the text around it in another order than it is in, so that source
 * would look as if it did something else: U+202A to U+202E, U+2066 to U+2069 (UAX #9,
 * CVE-2021-42574).
 */
static bool is_reordering(const unsigned char *data, size_t bytes) {
    return bytes == 3 && data[0] == 0xe2 &&
           ((data[1] == 0x80 && data[2] >= 0xaa && data[2] <= 0xae) ||
            (data[1] == 0x81 && data[2] >= 0xa6 && data[2] <= 0xa9));
}

static bool is_plain(struct bs_text text) {
    unsigned int odd = 0;
    for (size_t i = 0; i < text.length; i++)
        odd |= (unsigned char)text.data[i] - 0x20u >= 0x5f;
    return !odd;
}

void bs_buffer_clean(struct bs_buffer *buffer, struct bs_text text) {
    if (is_plain(text)) {
        bs_buffer_append(buffer, text.data, text.length);
        return;
    }
    const unsigned char *data = (const unsigned char *)text.data;
    for (size_t i = 0, bytes; i < text.length; i += bytes ? bytes : 1) {
        bytes = sequence_bytes(data + i, text.length - i);
        if (!bytes)
            bs_buffer_text(buffer, replacement);
        else if (is_control(data + i, bytes))
            bs_buffer_format(buffer, "\\x%02x", data[i + bytes - 1]);
        else if (is_reordering(data + i, bytes))
            bs_buffer_format(buffer, "\\u20%02x", (data[i + 1] & 1) << 6 | (data[i + 2] & 0x3f));
        else
            bs_buffer_append(buffer, text.data + i, bytes);
    }
}

void bs_buffer_styled(struct bs_buffer *buffer, enum bs_style style, struct bs_text text) {
    bs_buffer_style(buffer, style);
    bs_buffer_clean(buffer, text);
    bs_buffer_style(buffer, BS_STYLE_PLAIN);
}

bool bs_text_equal(struct bs_text a, struct bs_text b) {
    return a.length == b.length && (!a.length || memcmp(a.data, b.data, a.length) == 0);
}

int bs_text_compare(struct bs_text a, struct bs_text b) {
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

struct bs_text bs_path_name(struct bs_text path) {
    while (path.length && path.data[path.length - 1] == '/')
        path.length--;
    const char *slash = memrchr(path.data, '/', path.length);
    if (slash) {
        path.length -= (size_t)(slash + 1 - path.data);
        path.data = slash + 1;
    }
    return path;
}

struct bs_text bs_path_stem(struct bs_text path) {
    path = bs_path_name(path);
    const char *dot = memrchr(path.data, '.', path.length);
    if (dot && dot > path.data && dot < path.data + path.length - 1)
        path.length = (size_t)(dot - path.data);
    return path;
}
