#include "core/heap.h"

#include "core/cleanup.h"

#include <stdbool.h>
#include <string.h>

/* A failure sticks: the first field that could not be read, after which nothing is. */
struct reader {
    const char *at, *end;
    const char *bad;
};

/* From @p offset on; behind the heap there is nothing to read. */
static struct reader reader_at(const struct bs_heap *heap, uint32_t offset) {
    const char *start = heap->data ? heap->data : "", *end = start + heap->length;
    return (struct reader){.at = offset < heap->length ? start + offset : end, .end = end};
}

static uint32_t read_u32(struct reader *reader, const char *field) {
    uint32_t value;
    if (reader->bad || reader->end - reader->at < (ptrdiff_t)sizeof(value)) {
        reader->bad = reader->bad ? reader->bad : field;
        return 0;
    }
    memcpy(&value, reader->at, sizeof(value));
    reader->at += sizeof(value);
    return value;
}

static struct bs_text read_string(struct reader *reader, const char *field) {
    uint32_t length = read_u32(reader, field);
    if (reader->bad || (size_t)(reader->end - reader->at) < length) {
        reader->bad = reader->bad ? reader->bad : field;
        return (struct bs_text){"", 0};
    }
    struct bs_text text = {reader->at, length};
    reader->at += length;
    return text;
}

/*
 * Where the arrays of a code go. While they are counted there is no room yet (NULL), and the same
 * walk is made again to fill them.
 */
struct room {
    struct bs_text *texts;
    size_t text_count;
    struct bs_source_line *sources;
};

static struct bs_texts read_strings(struct reader *reader, struct room *room, const char *field) {
    uint32_t count = read_u32(reader, field);
    struct bs_texts texts = {room->texts ? room->texts + room->text_count : NULL, count};
    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        struct bs_text text = read_string(reader, field);
        if (room->texts)
            room->texts[room->text_count] = text;
        room->text_count++;
    }
    return texts;
}

static void read_sources(struct reader *reader, struct room *room, struct bs_code *code) {
    uint32_t previous = 0;
    code->source_count = read_u32(reader, "source lines");
    code->sources = room->sources;
    for (size_t i = 0; i < code->source_count && !reader->bad; i++) {
        struct bs_source_line line;
        line.line = read_u32(reader, "source lines");
        line.text = read_string(reader, "source lines");
        if (!reader->bad && i && line.line <= previous)
            reader->bad = "order of source lines";
        previous = line.line;
        if (room->sources)
            room->sources[i] = line;
    }
}

static void read_code(struct reader *reader, struct room *room, struct bs_code *code) {
    code->qualname = read_string(reader, "qualname");
    code->filename = read_string(reader, "filename");
    code->first_line = read_u32(reader, "first line");
    code->flags = read_u32(reader, "flags");
    code->bytecode = read_string(reader, "bytecode");
    code->adaptive = read_string(reader, "adaptive bytecode");
    code->linetable = read_string(reader, "line table");
    code->exceptiontable = read_string(reader, "exception table");
    code->consts = read_strings(reader, room, "constants");
    code->names = read_strings(reader, room, "names");
    code->locals = read_strings(reader, room, "locals");
    code->kinds = read_string(reader, "kinds of locals");
    read_sources(reader, room, code);
}

/* The field that does not fit the others, or NULL. */
static const char *contradiction(const struct bs_code *code) {
    if (code->bytecode.length % 2)
        return "bytecode";
    if (code->adaptive.length && code->adaptive.length != code->bytecode.length)
        return "adaptive bytecode";
    if (code->kinds.length != code->locals.count)
        return "kinds of locals";
    return NULL;
}

struct bs_error *bs_heap_string(const struct bs_heap *heap, uint32_t offset, struct bs_text *ret) {
    struct reader reader = reader_at(heap, offset);
    struct bs_text text = {"", 0};
    if (offset)
        text = read_string(&reader, "string");
    if (reader.bad)
        return bs_error_create(BS_ERROR_CORRUPT, "no string at heap offset %u", offset);
    *ret = text;
    return NULL;
}

struct bs_error *bs_heap_raised(const struct bs_heap *heap, uint32_t offset,
                                struct bs_raised *ret) {
    struct reader reader = reader_at(heap, offset);
    struct bs_raised raised = {{"", 0}, {"", 0}};
    if (offset) {
        raised.type = read_string(&reader, "type");
        raised.message = read_string(&reader, "message");
    }
    if (reader.bad)
        return bs_error_create(BS_ERROR_CORRUPT, "no exception at heap offset %u: bad %s", offset,
                               reader.bad);
    *ret = raised;
    return NULL;
}

/* One walk over the description: counting when there is no room, else filling. */
static struct bs_error *walk_code(const struct bs_heap *heap, uint32_t offset, struct room *room,
                                  struct bs_code *code) {
    struct reader reader = reader_at(heap, offset);
    if (!offset || offset > heap->length)
        return bs_error_create(BS_ERROR_CORRUPT, "no code object at heap offset %u", offset);
    read_code(&reader, room, code);
    if (!reader.bad)
        reader.bad = contradiction(code);
    if (reader.bad)
        return bs_error_create(BS_ERROR_CORRUPT, "code object at heap offset %u: bad %s", offset,
                               reader.bad);
    return NULL;
}

struct bs_error *bs_heap_code(const struct bs_heap *heap, uint32_t offset, uint32_t python,
                              struct bs_code **ret) {
    struct bs_code counted = {0};
    struct room none = {0};
    struct bs_error *err = walk_code(heap, offset, &none, &counted);
    if (err)
        return err;

    struct block {
        struct bs_code code;
        struct bs_text texts[];
    };
    size_t texts_bytes = none.text_count * sizeof(struct bs_text);
    struct block *block =
        malloc(sizeof(*block) + texts_bytes + counted.source_count * sizeof(struct bs_source_line));
    if (!block)
        return &bs_enomem;
    struct room room = {
        .texts = block->texts,
        .sources = (struct bs_source_line *)((char *)block->texts + texts_bytes),
    };
    block->code = (struct bs_code){.python = python};
    err = walk_code(heap, offset, &room, &block->code);
    if (err) {
        free(block);
        return err;
    }
    *ret = &block->code;
    return NULL;
}
