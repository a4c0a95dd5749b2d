/*
 * Texts from outside on their way to a screen: what is not UTF-8 becomes U+FFFD, and control
 * characters, which could drive a terminal, become \x1b and the like. Tabs stay.
 */
#ifndef BS_CORE_TEXT_H
#define BS_CORE_TEXT_H

#include "core/buffer.h"
#include "core/code.h"

#include <stdbool.h>

void bs_buffer_clean(struct bs_buffer *buffer, struct bs_text text);

bool bs_text_equal(struct bs_text a, struct bs_text b);

/* The last component of a path. */
struct bs_text bs_path_name(struct bs_text path);
/* The last component of a path, without its suffix: what pathlib calls the stem. */
struct bs_text bs_path_stem(struct bs_text path);

#endif
