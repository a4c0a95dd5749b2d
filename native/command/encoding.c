#include "command/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COOKIE_LINES 2 /* it stands in one of the first two */

/* Names of Python's that iconv has others for. */
static const struct {
    const char *python, *iconv;
} aliases[] = {
    {"latin-1", "ISO-8859-1"},  {"iso-latin-1", "ISO-8859-1"}, {"utf-8-sig", "UTF-8"},
    {"mac-roman", "MACINTOSH"}, {"ptcp154", "PT154"},          {"hz", "HZ-GB-2312"},
};

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-_.", c));
}

/* Where the name begins in a comment from @p c on: after coding: or coding= and blanks. */
static const char *find_name(const char *c, const char *end) {
    static const char word[] = "coding";
    for (; (size_t)(end - c) > sizeof(word); c++) {
        if (memcmp(c, word, sizeof(word) - 1) != 0 || !strchr(":=", c[sizeof(word) - 1]))
            continue;
        const char *name = c + sizeof(word);
        while (name < end && (*name == ' ' || *name == '\t'))
            name++;
        if (name < end && is_name(*name))
            return name;
    }
    return NULL;
}

/* As Python has it, an underscore is a dash; case means nothing to iconv. */
static bool take_name(const char *name, const char *end, char ret[static BS_ENCODING_NAME_MAX]) {
    size_t length = 0;
    for (; name + length < end && is_name(name[length]); length++) {
        if (length == BS_ENCODING_NAME_MAX - 1)
            return false;
        ret[length] = name[length] == '_' ? '-' : name[length];
    }
    ret[length] = '\0';
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (!strcasecmp(aliases[i].python, ret))
            snprintf(ret, BS_ENCODING_NAME_MAX, "%s", aliases[i].iconv);
    }
    return true;
}

void bs_encoding_find(const char *data, size_t length, char ret[static BS_ENCODING_NAME_MAX]) {
    const char *line = data, *end = data + length;
    for (int i = 0; i < COOKIE_LINES && line < end; i++) {
        const char *line_end = line;
        while (line_end < end && *line_end != '\n' && *line_end != '\r')
            line_end++;
        while (line < line_end && (*line == ' ' || *line == '\t' || *line == '\f'))
            line++;
        if (line < line_end && *line != '#')
            break; /* code: a cookie below it would be none */
        const char *name = find_name(line, line_end);
        if (name && take_name(name, line_end, ret))
            return;
        bool both = line_end + 1 < end && line_end[0] == '\r' && line_end[1] == '\n';
        line = line_end + 1 + both;
    }
    snprintf(ret, BS_ENCODING_NAME_MAX, "UTF-8");
}

bool bs_encoding_decode(const char *name, const char *data, size_t length,
                        struct bs_buffer *buffer) {
    iconv_t decoder = iconv_open("UTF-8", name);
    if (decoder == (iconv_t)-1)
        return false;
    char *in = (char *)data; /* iconv() only reads there */
    while (length) {
        char piece[4096], *out = piece;
        size_t room = sizeof(piece);
        size_t converted = iconv(decoder, &in, &length, &out, &room);
        bs_buffer_append(buffer, piece, (size_t)(out - piece));
        if (converted != (size_t)-1 || errno == E2BIG)
            continue;
        bs_buffer_text(buffer, "\xef\xbf\xbd"); /* a wrong byte, or too few at the end */
        in++;
        length--;
    }
    iconv_close(decoder);
    return true;
}
