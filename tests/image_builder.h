/*
 * Trace images made by hand, for tests that have no interpreter to make them. What is added last
 * comes last; nothing is checked, so that bad images can be made too.
 *
 *     struct image_builder *builder = image_builder_create(0x030d00f0);
 *     uint32_t code = image_code(builder, &(struct image_code){.qualname = "f", ...});
 *     image_event(builder, BS_EVENT_CALL, code, 1, 0);
 *     struct bs_trace *trace = image_trace(builder);
 */
#ifndef TESTS_IMAGE_BUILDER_H
#define TESTS_IMAGE_BUILDER_H

#include "core/trace.h"

struct image_builder;

/* A code object; what is left out is empty. Lists end with NULL. */
struct image_code {
    const char *qualname, *filename;
    uint32_t first_line, flags;
    const void *bytecode, *adaptive; /* adaptive NULL: empty, else as long as bytecode */
    size_t bytecode_length;
    const void *linetable;
    size_t linetable_length;
    const char *const *consts, *const *names, *const *locals; /* locals are PLAIN */
    const char *const *sources; /* of first_line and the lines after it */
};

/* An image of Python @p python (PY_VERSION_HEX), with the outcome RETURNED and no events. */
struct image_builder *image_builder_create(uint32_t python);
void image_builder_destroy(struct image_builder *builder);

/* The header, to be changed at will until the image is finished. Sections are filled in then. */
struct bs_image_header *image_header(struct image_builder *builder);

/* Add to the heap; the result is the heap offset. */
uint32_t image_string(struct image_builder *builder, const char *text);
uint32_t image_raised(struct image_builder *builder, const char *type, const char *message);

/* Add a code object; the result is its number. The second takes a description ready made. */
uint32_t image_code(struct image_builder *builder, const struct image_code *code);
uint32_t image_code_bytes(struct image_builder *builder, const void *data, size_t length);

/* Add one event: @p where is its line or offset_units, @p text its heap offset. */
void image_event(struct image_builder *builder, enum bs_event_kind kind, uint32_t code,
                 uint32_t where, uint32_t text);
/* Add one step, the same time for minimum, median and mean. */
void image_step(struct image_builder *builder, uint32_t code, uint32_t offset_units, uint8_t opcode,
                float ns);
/* Add bytes to a section as they are. */
void image_append(struct image_builder *builder, enum bs_section_kind kind, const void *data,
                  size_t length);

/* The image, packed, from malloc(); the builder is gone. */
void *image_finish(struct image_builder *builder, size_t *ret_length);
/* The trace of it; a failed check, and NULL, when it is not good. Only in programs of tests. */
struct bs_trace *image_trace(struct image_builder *builder);

/*
 * A function of two opcodes that was called once and returned 42: `return 42` on 3.13. With
 * @p timed also two steps, overhead and a run of 30 ns.
 */
struct image_builder *image_small(bool timed);

#endif
