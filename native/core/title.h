/* The headings in a listing: comment lines with a rule around what they say. */
#ifndef BS_CORE_TITLE_H
#define BS_CORE_TITLE_H

#include "core/buffer.h"
#include "core/code.h"

#define BS_TITLE_COLUMNS 48 /* of the shortest, which most are */

/* "// ==== file:line `name` ====", for a frame of @p code. No indentation, no end of line. */
void bs_title_frame(struct bs_buffer *buffer, const struct bs_code *code, uint32_t line);
/* "// !!!! `type` !!!!" */
void bs_title_raised(struct bs_buffer *buffer, struct bs_text type);
/* "// ====" alone, where a frame ends. */
void bs_title_end(struct bs_buffer *buffer);

#endif
