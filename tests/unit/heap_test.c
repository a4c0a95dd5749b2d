#include "core/heap.h"

#include "check.h"
#include "core/cleanup.h"
#include "image_builder.h"

#include <string.h>

#define PYTHON 0x030b00f0

/* The heap of an image with one code, which is at offset 4. */
static const struct image_code example = {
    .qualname = "Point.norm",
    .filename = "/x/p.py",
    .first_line = 27,
    .flags = 3,
    .bytecode = "\x97\0d\x01S\0",
    .adaptive = "\x97\0e\x01S\0",
    .bytecode_length = 6,
    .linetable = "\x80\0",
    .linetable_length = 2,
};

static struct bs_heap heap_of(const struct bs_trace *trace) {
    return trace->heap;
}

TEST(heap, code_is_read_back) {
    struct image_builder *builder = image_builder_create(PYTHON);
    struct image_code code = example;
    code.consts = (const char *[]){"None", "'a\\n'", NULL};
    code.names = (const char *[]){"abs", NULL};
    code.locals = (const char *[]){"self", "x", NULL};
    code.sources = (const char *[]){"def norm(self):", "return abs(self.x)", NULL};
    image_code(builder, &code);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_heap heap = heap_of(trace);
    _cleanup_free_ struct bs_code *read = NULL;
    if (!CHECK_OK(bs_heap_code(&heap, 4, PYTHON, &read)))
        return;
    CHECK_BYTES(read->qualname.data, read->qualname.length, "Point.norm");
    CHECK_BYTES(read->filename.data, read->filename.length, "/x/p.py");
    CHECK_EQ(read->first_line, 27);
    CHECK_EQ(read->flags, 3);
    CHECK_EQ(read->python, PYTHON);
    CHECK_EQ(read->bytecode.length, 6);
    CHECK_EQ(read->adaptive.data[2], 'e');
    CHECK_EQ(read->linetable.length, 2);
    CHECK_EQ(read->consts.count, 2);
    CHECK_BYTES(read->consts.items[1].data, read->consts.items[1].length, "'a\\n'");
    CHECK_BYTES(read->names.items[0].data, read->names.items[0].length, "abs");
    CHECK_BYTES(read->locals.items[1].data, read->locals.items[1].length, "x");
    CHECK_EQ(read->kinds.length, 2);
    CHECK_EQ(read->source_count, 2);
    CHECK_EQ(read->sources[1].line, 28);
    CHECK_BYTES(read->sources[1].text.data, read->sources[1].text.length, "return abs(self.x)");
}

/* Whatever byte the heap ends after, there is an error and nothing past the end is read. */
TEST(heap, code_cut_anywhere_is_an_error) {
    struct image_builder *builder = image_builder_create(PYTHON);
    struct image_code code = example;
    code.consts = (const char *[]){"None", NULL};
    code.sources = (const char *[]){"def norm(self):", NULL};
    image_code(builder, &code);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    for (size_t length = 0; length < trace->heap.length; length++) {
        _cleanup_free_ char *copy = malloc(length + 1);
        _cleanup_free_ struct bs_code *read = NULL;
        memcpy(copy, trace->heap.data, length);
        struct bs_heap heap = {copy, length};
        CHECK_ERROR(bs_heap_code(&heap, 4, PYTHON, &read), BS_ERROR_CORRUPT, "heap offset 4");
    }
}

/* Change the u32 at @p at of the description to @p value and read it. */
static struct bs_error *read_changed(size_t at, uint32_t value) {
    struct image_builder *builder = image_builder_create(PYTHON);
    image_code(builder, &example);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_free_ struct bs_code *read = NULL;
    memcpy((char *)trace->heap.data + 4 + at, &value, sizeof(value));
    return bs_heap_code(&trace->heap, 4, PYTHON, &read);
}

TEST(heap, contradictions_are_named) {
    size_t bytecode = 4 + 10 + 4 + 7 + 8, adaptive = bytecode + 4 + 6;
    size_t consts = adaptive + 4 + 6 + 4 + 2 + 4;
    CHECK_ERROR(read_changed(0, UINT32_MAX), BS_ERROR_CORRUPT, "qualname");
    CHECK_ERROR(read_changed(bytecode, 5), BS_ERROR_CORRUPT, "bad ");
    CHECK_ERROR(read_changed(consts, UINT32_MAX), BS_ERROR_CORRUPT, "constants");
    CHECK_ERROR(read_changed(consts + 8, 1), BS_ERROR_CORRUPT, "bad ");
}

TEST(heap, lengths_must_agree) {
    struct image_code code = example;
    code.bytecode_length = 5;
    struct image_builder *builder = image_builder_create(PYTHON);
    image_code(builder, &code);
    size_t length;
    void *image = image_finish(builder, &length);
    struct bs_trace *trace;
    CHECK_ERROR(bs_trace_create(image, length, &trace), BS_ERROR_CORRUPT, "bad bytecode");
}

TEST(heap, none_is_empty) {
    struct bs_heap heap = {NULL, 0};
    struct bs_text text;
    struct bs_raised raised;
    CHECK_OK(bs_heap_string(&heap, 0, &text));
    CHECK_EQ(text.length, 0);
    CHECK_OK(bs_heap_raised(&heap, 0, &raised));
    CHECK_EQ(raised.message.length, 0);
    struct bs_code *code;
    CHECK_ERROR(bs_heap_code(&heap, 0, PYTHON, &code), BS_ERROR_CORRUPT, "no code object");
    CHECK_ERROR(bs_heap_string(&heap, 1, &text), BS_ERROR_CORRUPT, "no string");
    CHECK_ERROR(bs_heap_raised(&heap, 9, &raised), BS_ERROR_CORRUPT, "no exception");
}

TEST(heap, raised_is_two_strings) {
    struct image_builder *builder = image_builder_create(PYTHON);
    uint32_t offset = image_raised(builder, "ValueError", "bottom");
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    struct bs_raised raised;
    if (!CHECK_OK(bs_heap_raised(&trace->heap, offset, &raised)))
        return;
    CHECK_BYTES(raised.type.data, raised.type.length, "ValueError");
    CHECK_BYTES(raised.message.data, raised.message.length, "bottom");
}
