/* Which encoding a Python source file says it is in (PEP 263), and out of it into UTF-8. */
#ifndef BS_COMMAND_ENCODING_H
#define BS_COMMAND_ENCODING_H

#include "core/buffer.h"

#define BS_ENCODING_NAME_MAX 64 /* bytes; longer ones are nobody's */

/*
 * The name in the coding cookie at the start of @p data, as iconv_open() knows it, "UTF-8" where
 * there is none.
 */
void bs_encoding_find(const char *data, size_t length, char ret[static BS_ENCODING_NAME_MAX]);

/*
 * Append @p data, which is in the encoding @p name, as UTF-8, with U+FFFD for each byte that means
 * nothing in it. False, and nothing is appended, when this machine does not know the encoding.
 */
bool bs_encoding_decode(const char *name, const char *data, size_t length,
                        struct bs_buffer *buffer);

#endif
