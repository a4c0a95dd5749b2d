#include "image_builder.h"

#include "core/pack.h"

#include <stdlib.h>
#include <string.h>

struct image_builder {
    struct bs_image_header header;
    struct bs_buffer sections[BS_SECTION_COUNT];
};

static void append_u32(struct bs_buffer *buffer, uint32_t value) {
    bs_buffer_append(buffer, (const char *)&value, sizeof(value));
}

static void append_string(struct bs_buffer *buffer, const void *data, size_t length) {
    append_u32(buffer, (uint32_t)length);
    bs_buffer_append(buffer, data, length);
}

static void append_text(struct bs_buffer *buffer, const char *text) {
    append_string(buffer, text, text ? strlen(text) : 0);
}

static uint32_t count(const char *const *texts) {
    uint32_t found = 0;
    while (texts && texts[found])
        found++;
    return found;
}

static void append_texts(struct bs_buffer *buffer, const char *const *texts) {
    append_u32(buffer, count(texts));
    for (uint32_t i = 0; i < count(texts); i++)
        append_text(buffer, texts[i]);
}

struct image_builder *image_builder_create(uint32_t python) {
    struct image_builder *builder = calloc(1, sizeof(*builder));
    if (!builder)
        abort();
    builder->header = (struct bs_image_header){
        .magic = BS_IMAGE_MAGIC,
        .version = BS_IMAGE_VERSION,
        .header_bytes = sizeof(builder->header),
        .python = python,
        .engine = BS_ENGINE_SETTRACE,
        .clock_hz = 1000000000,
        .outcome = BS_OUTCOME_RETURNED,
    };
    append_u32(&builder->sections[BS_SECTION_HEAP], 0);
    return builder;
}

void image_builder_destroy(struct image_builder *builder) {
    for (int i = 0; i < BS_SECTION_COUNT; i++)
        bs_buffer_deinit(&builder->sections[i]);
    free(builder);
}

struct bs_image_header *image_header(struct image_builder *builder) {
    return &builder->header;
}

void image_append(struct image_builder *builder, enum bs_section_kind kind, const void *data,
                  size_t length) {
    bs_buffer_append(&builder->sections[kind], data, length);
}

static struct bs_buffer *heap(struct image_builder *builder) {
    return &builder->sections[BS_SECTION_HEAP];
}

uint32_t image_string(struct image_builder *builder, const char *text) {
    uint32_t offset = (uint32_t)heap(builder)->length;
    append_text(heap(builder), text);
    return offset;
}

uint32_t image_raised(struct image_builder *builder, const char *type, const char *message) {
    uint32_t offset = image_string(builder, type);
    image_string(builder, message);
    return offset;
}

/* What comes next in the heap is the next code. */
static uint32_t number_code(struct image_builder *builder) {
    struct bs_buffer *codes = &builder->sections[BS_SECTION_CODES];
    uint32_t number = (uint32_t)(codes->length / sizeof(uint32_t));
    append_u32(codes, (uint32_t)heap(builder)->length);
    return number;
}

uint32_t image_code_bytes(struct image_builder *builder, const void *data, size_t length) {
    uint32_t number = number_code(builder);
    bs_buffer_append(heap(builder), data, length);
    return number;
}

uint32_t image_code(struct image_builder *builder, const struct image_code *code) {
    struct bs_buffer *out = heap(builder);
    uint32_t number = number_code(builder);
    append_text(out, code->qualname);
    append_text(out, code->filename);
    append_u32(out, code->first_line);
    append_u32(out, code->flags);
    append_string(out, code->bytecode, code->bytecode_length);
    append_string(out, code->adaptive, code->adaptive ? code->bytecode_length : 0);
    append_string(out, code->linetable, code->linetable_length);
    append_string(out, NULL, 0);
    append_texts(out, code->consts);
    append_texts(out, code->names);
    append_texts(out, code->locals);
    append_u32(out, count(code->locals));
    bs_buffer_fill(out, BS_LOCAL_PLAIN, count(code->locals));
    append_u32(out, count(code->sources));
    for (uint32_t i = 0; i < count(code->sources); i++) {
        append_u32(out, code->first_line + i);
        append_text(out, code->sources[i]);
    }
    return number;
}

void image_event(struct image_builder *builder, enum bs_event_kind kind, uint32_t code,
                 uint32_t where, uint32_t text) {
    struct bs_event event = {.kind = kind, .code = code, .line = where, .text = text};
    image_append(builder, BS_SECTION_EVENTS, &event, sizeof(event));
    builder->header.events_seen++;
}

void image_step(struct image_builder *builder, uint32_t code, uint32_t offset_units, uint8_t opcode,
                float ns) {
    struct bs_step step = {opcode, code, offset_units, ns, ns, ns, .cost = 0};
    image_append(builder, BS_SECTION_STEPS, &step, sizeof(step));
}

void *image_finish(struct image_builder *builder, size_t *ret_length) {
    struct bs_text sections[BS_SECTION_COUNT];
    void *image; /* no larger than it must be, so that reading past its end is caught */
    for (int i = 0; i < BS_SECTION_COUNT; i++)
        sections[i] = (struct bs_text){builder->sections[i].data, builder->sections[i].length};
    if (bs_pack(&builder->header, sections, &image, ret_length))
        abort();
    image_builder_destroy(builder);
    return image;
}

struct image_builder *image_small(bool timed) {
    /* Python 3.13: RESUME 0, LOAD_CONST 1, RETURN_VALUE; all of it on the second line. */
    static const uint8_t bytecode[] = {149, 0, 83, 1, 36, 0};
    static const uint8_t linetable[] = {0xe8, 0, 0xe9,
                                        2}; /* one unit of +0, two of +1, no columns */
    struct image_builder *builder = image_builder_create(0x030d00f0);
    struct bs_image_header *header = image_header(builder);
    header->target_text = image_string(builder, "answer()");
    header->function_text = image_string(builder, "answer");
    uint32_t code = image_code(
        builder,
        &(struct image_code){.qualname = "answer",
                             .filename = "/x/small.py",
                             .first_line = 7,
                             .bytecode = bytecode,
                             .bytecode_length = sizeof(bytecode),
                             .linetable = linetable,
                             .linetable_length = sizeof(linetable),
                             .consts = (const char *[]){"None", "42", NULL},
                             .sources = (const char *[]){"def answer():", "return 42", NULL}});
    image_event(builder, BS_EVENT_CALL, code, 7, 0);
    image_event(builder, BS_EVENT_LINE, code, 8, 0);
    image_event(builder, BS_EVENT_OPCODE, code, 1, 0);
    image_event(builder, BS_EVENT_OPCODE, code, 2, 0);
    image_event(builder, BS_EVENT_RETURN, code, 0, image_string(builder, "42"));
    image_event(builder, BS_EVENT_STOP, 0, 0, 0);
    if (timed) {
        header->flags = BS_IMAGE_TIMED | BS_IMAGE_ISOLATED;
        header->warmups = header->repeats = header->uninstrumented_repeats = 1500;
        header->uninstrumented_ns = 30;
        header->uninstrumented_median_ns = 32;
        header->instrumented_ns = 60;
        header->elapsed_ns = 1e6;
        header->overhead_ns = 10;
        header->overhead_spread_ns = 0.5;
        header->clock_step_ns = 0.5;
        image_step(builder, code, 1, 83, 20);
        image_step(builder, code, 2, 36, 15);
    }
    return builder;
}
