/* Apart from image_builder.c, so that benches and fuzzers, which have no checks, can use that. */
#include "image_builder.h"

#include "check.h"

struct bs_trace *image_trace(struct image_builder *builder) {
    size_t length;
    void *image = image_finish(builder, &length);
    struct bs_trace *trace = NULL;
    CHECK_OK(bs_trace_create(image, length, &trace));
    return trace;
}
