/*
 * The one reader of HEAP: strings, `raised` pairs and `code` descriptions, as written down in
 * format/image.h. The bytes are untrusted: nothing outside the heap is read, and a description
 * that contradicts itself is an error that names the field. Opcodes are not looked at here; that
 * is core/decode.h.
 */
#ifndef BS_CORE_HEAP_H
#define BS_CORE_HEAP_H

#include "core/code.h"
#include "core/error.h"

struct bs_heap {
    const void *data; /* borrowed; every result points into it */
    size_t length;
};

struct bs_raised {
    struct bs_text type, message;
};

/* Offset 0 is "none": an empty text, whatever the heap holds. */
struct bs_error *bs_heap_string(const struct bs_heap *heap, uint32_t offset, struct bs_text *ret);
/* Offset 0 is "none" here too: two empty texts. */
struct bs_error *bs_heap_raised(const struct bs_heap *heap, uint32_t offset, struct bs_raised *ret);

/*
 * Parse the `code` at @p offset of a heap made by @p python (PY_VERSION_HEX). The result is one
 * block, released with free(); its texts point into the heap. It is checked that the bytecode is
 * whole code units, that `adaptive` is empty or as long as the bytecode, that there is one kind
 * per local, and that source lines are in order.
 */
struct bs_error *bs_heap_code(const struct bs_heap *heap, uint32_t offset, uint32_t python,
                              struct bs_code **ret);

#endif
