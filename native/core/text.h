/*
 * Texts: made, compared, taken apart, and on their way to a screen. Of those from outside what is
 * not UTF-8 becomes U+FFFD there, and control characters, which could drive a terminal or turn text
 * around, become \x1b, \u202e and the like. Tabs stay.
 */
#ifndef BS_CORE_TEXT_H
#define BS_CORE_TEXT_H

#include "core/buffer.h"
#include "core/code.h"

#include <stdbool.h>
#include <string.h>

/* Append @p text as it may go to a screen. */
void bs_buffer_clean(struct bs_buffer *buffer, struct bs_text text);
/* The same in a style, and what follows it plain. */
void bs_buffer_styled(struct bs_buffer *buffer, enum bs_style style, struct bs_text text);

bool bs_text_equal(struct bs_text a, struct bs_text b);
/* As memcmp(): below, equal to or above 0; what begins another text is below it. */
int bs_text_compare(struct bs_text a, struct bs_text b);

/* A text that ends with '\0'. */
static inline struct bs_text bs_text_of(const char *text) {
    return (struct bs_text){text, strlen(text)};
}
/* What is in @p buffer, as long as it stays there. */
static inline struct bs_text bs_buffer_as_text(const struct bs_buffer *buffer) {
    return (struct bs_text){buffer->data, buffer->length};
}

/* The last component of a path. */
struct bs_text bs_path_name(struct bs_text path);
/* The last component of a path, without its suffix: what pathlib calls the stem. */
struct bs_text bs_path_stem(struct bs_text path);

#endif
