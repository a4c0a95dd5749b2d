/*
 * A code object as bytesight sees it, whoever supplied it: the agent from the live interpreter
 * (core/trace.h), or inspect/ from raw memory. The decoder (core/decode.h) turns it into
 * instructions. It holds bytes and texts only: no Python object, no target address is followed.
 *
 * A bs_code owns nothing: every text points into memory of its supplier (a trace image, an arena)
 * and lives as long as that. Texts are UTF-8 and not terminated.
 */
#ifndef BS_CORE_CODE_H
#define BS_CORE_CODE_H

#include <stddef.h>
#include <stdint.h>

struct bs_text {
    const char *data;
    size_t length;
};

struct bs_texts {
    const struct bs_text *items;
    size_t count;
};

struct bs_source_line {
    uint32_t line;
    struct bs_text text; /* stripped */
};

struct bs_code {
    uint32_t python;         /* PY_VERSION_HEX: selects the rows that decode it */
    struct bs_text qualname; /* co_qualname; co_name on 3.10 */
    struct bs_text filename;
    uint32_t first_line;
    uint32_t flags;          /* co_flags */
    uint64_t code_addr;      /* in the target; 0 in a trace */
    struct bs_text bytecode; /* two bytes a code unit; original opcodes, caches zeroed */
    struct bs_text adaptive; /* the same length, as specialised; or empty */
    struct bs_text linetable, exceptiontable;
    struct bs_texts consts; /* repr() of each */
    struct bs_texts names;
    struct bs_texts locals;               /* in the interpreter's numbering; see format/image.h */
    struct bs_text kinds;                 /* one byte per local, BS_LOCAL_* */
    const struct bs_source_line *sources; /* sorted by line */
    size_t source_count;
};

/* The text of @p line, or NULL when the supplier had none. */
const struct bs_text *bs_code_source(const struct bs_code *code, uint32_t line);

#endif
