#include "command/words.h"

#include <string.h>

bool bs_is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const char *bs_skip_blanks(const char *text) {
    while (bs_is_blank(*text))
        text++;
    return text;
}

/* Copy one word from @p in to *out and end it; false when a quote was left open. */
static bool take_word(const char **in, char **out) {
    char quote = 0;
    const char *c = *in;
    for (; *c && (quote || !bs_is_blank(*c)); c++) {
        if (quote ? *c == quote : *c == '\'' || *c == '"') {
            quote = quote ? 0 : *c;
            continue;
        }
        bool escapes = *c == '\\' && c[1] && quote != '\'';
        if (escapes && quote == '"')
            escapes = c[1] == '"' || c[1] == '\\';
        if (escapes)
            c++;
        *(*out)++ = *c;
    }
    *(*out)++ = '\0';
    *in = c;
    return !quote;
}

struct bs_error *bs_words_init(const char *zero, const char *line, struct bs_words *ret) {
    size_t length = strlen(line), words_max = length / 2 + 2; /* with argv[0] */
    struct bs_words words = {
        .items = calloc(words_max + 1, sizeof(*words.items)),
        .starts = calloc(words_max + 1, sizeof(*words.starts)),
        .text = malloc(strlen(zero) + 1 + length + words_max),
        .unclosed = (size_t)-1,
    };
    if (!words.items || !words.starts || !words.text) {
        bs_words_deinit(&words);
        return &bs_enomem;
    }
    char *out = words.text;
    words.items[words.count++] = out;
    out = stpcpy(out, zero) + 1;
    for (const char *in = bs_skip_blanks(line); *in; in = bs_skip_blanks(in)) {
        words.starts[words.count] = (size_t)(in - line);
        words.items[words.count] = out;
        if (!take_word(&in, &out))
            words.unclosed = words.count;
        words.count++;
    }
    words.starts[words.count] = length;
    if (words.unclosed == (size_t)-1)
        words.unclosed = words.count;
    *ret = words;
    return NULL;
}

void bs_words_deinit(struct bs_words *words) {
    free(bs_take(words->items));
    free(bs_take(words->starts));
    free(bs_take(words->text));
}
