#include "core/brief.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static const char operator_word[] = "operator", const_word[] = " const";

static bool opens(char c) {
    return c == '(' || c == '<';
}

/* Whether a bracket behind @p before holds what is taken: "f(", "vector<", "operator()(". */
static bool takes(char before) {
    return isalnum((unsigned char)before) || (before && strchr("_'>)}]~", before));
}

static struct bs_text rest(struct bs_text text, size_t from) {
    return (struct bs_text){text.data + from, text.length - from};
}

static bool begins(struct bs_text text, const char *word) {
    return text.length >= strlen(word) && !memcmp(text.data, word, strlen(word));
}

/* The length of "operator<<" and the like at the start of @p name; 0: there is none. */
static size_t operator_length(struct bs_text name) {
    size_t i = sizeof(operator_word) - 1;
    if (!begins(name, operator_word))
        return 0;
    if (begins(rest(name, i), "()"))
        return i + 2;
    while (i < name.length && name.data[i] && strchr("<>=-!+*/%^&|~,[]", name.data[i]))
        i++;
    return i;
}

/* The length of what @p text begins with: "(...)", "(...) const" or "<...>"; 0: no bracket ends it.
 */
static size_t brackets_length(struct bs_text text) {
    size_t depth = 1, i = 1;
    for (; i < text.length && depth; i++) {
        if (opens(text.data[i]))
            depth++;
        else if (text.data[i] == ')' || (text.data[i] == '>' && text.data[i - 1] != '-'))
            depth--;
    }
    if (depth)
        return 0;
    return text.data[0] == '(' && begins(rest(text, i), const_word) ? i + strlen(const_word) : i;
}

/* How much of @p name from @p at on goes together, and in *ret what stands for it; 0: see above. */
static size_t next_piece(struct bs_text name, size_t at, struct bs_text *ret) {
    const char before = at ? name.data[at - 1] : '\0';
    const bool is_word = !at || !(isalnum((unsigned char)before) || before == '_');
    const size_t length = is_word ? operator_length(rest(name, at)) : 0;
    if (length) {
        *ret = (struct bs_text){name.data + at, length};
        return length;
    }
    if (!opens(name.data[at]) || !takes(before)) {
        *ret = (struct bs_text){name.data + at, 1};
        return 1;
    }
    *ret = (struct bs_text){"<>", name.data[at] == '<' ? 2 : 0};
    return brackets_length(rest(name, at));
}

void bs_brief_append(struct bs_buffer *buffer, struct bs_text name) {
    const size_t start = buffer->length;
    for (size_t at = 0, length; at < name.length; at += length) {
        struct bs_text piece;
        length = next_piece(name, at, &piece);
        if (!length) {
            buffer->length = start;
            bs_buffer_append(buffer, name.data, name.length);
            return;
        }
        bs_buffer_append(buffer, piece.data, piece.length);
    }
}
