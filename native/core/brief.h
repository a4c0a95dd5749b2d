/* Names of C++ and Rust functions, in brief: what they take is left out. */
#ifndef BS_CORE_BRIEF_H
#define BS_CORE_BRIEF_H

#include "core/buffer.h"
#include "core/code.h"

/*
 * Append @p name without parameters, and with <> for arguments of templates. Other brackets, and
 * names whose brackets do not match, stay as they are, and so do names of C.
 */
void bs_brief_append(struct bs_buffer *buffer, struct bs_text name);

#endif
