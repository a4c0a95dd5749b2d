#include "inspect/code_reader.h"

#include "core/opcodes.h"
#include "format/image.h"
#include "inspect/despecialize.h"
#include "inspect/field.h"
#include "inspect/object.h"
#include "inspect/repr.h"

#include <inttypes.h>
#include <string.h>

/*
 * A size that is wrong is likely a large one. Beyond this many code units it is believed only when
 * the line table has enough entries for it (Objects/locations.md: at most eight units each).
 */
#define UNITS_LARGE          65536
#define LINE_ENTRY_UNITS_MAX 8

/* Everything that one read needs. */
struct reader {
    const struct bs_interpreter *python;
    uint64_t code_addr;
    struct bs_arena *arena;
    size_t arena_start_bytes; /* used before */
    struct bs_code *code;
};

/* Many items that are each within bounds may still come to more memory than there is. */
static struct bs_error *check_room(const struct reader *reader) {
    if (reader->arena->used_bytes - reader->arena_start_bytes <= 4 * BS_CODE_BYTES_MAX)
        return NULL;
    return bs_error_create(BS_ERROR_CORRUPT, "the code object at 0x%" PRIx64 " is too large",
                           reader->code_addr);
}

static struct bs_error *read_str(const struct reader *reader, uint64_t addr, const char *what,
                                 struct bs_text *ret) {
    struct bs_error *error =
        bs_str_read(reader->python, addr, BS_CODE_STRING_MAX, reader->arena, ret);
    return error ? bs_error_prefix(error, "%s", what) : check_room(reader);
}

/* bs_field() and what it points to, in one. */
#define read_str_field(reader, field, ret)                                                         \
    ({                                                                                             \
        uint64_t bs_str_addr;                                                                      \
        struct bs_error *bs_str_error =                                                            \
            bs_field((reader)->python, (reader)->code_addr, code, field, &bs_str_addr);            \
        bs_str_error ? bs_str_error : read_str((reader), bs_str_addr, "code." #field, (ret));      \
    })

#define read_bytes_field(reader, field, ret)                                                       \
    ({                                                                                             \
        uint64_t bs_bytes_addr;                                                                    \
        struct bs_error *bs_bytes_error =                                                          \
            bs_field((reader)->python, (reader)->code_addr, code, field, &bs_bytes_addr);          \
        bs_bytes_error ? bs_bytes_error                                                            \
                       : bs_bytes_read((reader)->python, bs_bytes_addr, BS_CODE_BYTES_MAX,         \
                                       "code." #field, (reader)->arena, (ret));                    \
    })

/* Texts of a tuple's items: a growing list, because there may be several tuples. */
struct texts {
    struct bs_text *items;
    size_t count;
};

/* Make room for the items of the tuple at @p addr after those that @p texts has. */
static struct bs_error *open_tuple(const struct reader *reader, uint64_t addr, const char *what,
                                   struct texts *texts, size_t *ret_count) {
    size_t count;
    struct bs_error *error = bs_tuple_size(reader->python, addr, BS_CODE_ITEMS_MAX, what, &count);
    if (error)
        return error;
    struct bs_text *items =
        bs_arena_alloc(reader->arena, (texts->count + count + 1) * sizeof(*items));
    if (!items)
        return &bs_enomem;
    if (texts->count)
        memcpy(items, texts->items, texts->count * sizeof(*items));
    texts->items = items;
    *ret_count = count;
    return NULL;
}

static struct bs_error *read_names(const struct reader *reader, uint64_t addr, const char *what,
                                   struct texts *texts) {
    size_t count;
    struct bs_error *error = open_tuple(reader, addr, what, texts, &count);
    for (size_t i = 0; !error && i < count; i++) {
        uint64_t item_addr;
        error = bs_tuple_item(reader->python, addr, i, &item_addr);
        if (!error)
            error = read_str(reader, item_addr, what, &texts->items[texts->count++]);
    }
    return error;
}

static struct bs_error *read_constant(const struct reader *reader, uint64_t addr,
                                      struct bs_text *ret) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    struct bs_error *error = bs_repr_append(reader->python, addr, &buffer);
    if (!error)
        error = bs_buffer_status(&buffer);
    if (!error && !bs_arena_text(reader->arena, buffer.data, buffer.length, ret))
        error = &bs_enomem;
    return error ? error : check_room(reader);
}

static struct bs_error *read_constants(const struct reader *reader) {
    struct texts texts = {};
    uint64_t addr, item_addr;
    size_t count;
    struct bs_error *error = bs_field(reader->python, reader->code_addr, code, consts, &addr);
    if (!error)
        error = open_tuple(reader, addr, "code.consts", &texts, &count);
    for (size_t i = 0; !error && i < count; i++) {
        error = bs_tuple_item(reader->python, addr, i, &item_addr);
        if (!error)
            error = read_constant(reader, item_addr, &texts.items[texts.count++]);
    }
    if (!error)
        reader->code->consts = (struct bs_texts){texts.items, texts.count};
    return error;
}

/* From 3.11 on: one tuple of names and one of kinds, as the interpreter numbers its locals. */
static struct bs_error *read_localsplus(const struct reader *reader) {
    struct bs_code *code = reader->code;
    struct texts texts = {};
    uint64_t addr;
    struct bs_error *error =
        bs_field(reader->python, reader->code_addr, code, localsplusnames, &addr);
    if (!error)
        error = read_names(reader, addr, "code.localsplusnames", &texts);
    if (!error)
        error = read_bytes_field(reader, localspluskinds, &code->kinds);
    if (error)
        return error;
    if (code->kinds.length != texts.count)
        return bs_error_create(BS_ERROR_CORRUPT,
                               "code.localspluskinds has %zu bytes for %zu variables",
                               code->kinds.length, texts.count);
    code->locals = (struct bs_texts){texts.items, texts.count};
    return NULL;
}

/* 3.10: three tuples, end to end. */
static struct bs_error *read_variables(const struct reader *reader) {
    const struct bs_layout *layout = &reader->python->layout;
    const struct {
        int32_t offset;
        const char *what;
        char kind;
    } parts[] = {
        {layout->code_varnames, "code.varnames", BS_LOCAL_PLAIN},
        {layout->code_cellvars, "code.cellvars", BS_LOCAL_CELL},
        {layout->code_freevars, "code.freevars", (char)BS_LOCAL_FREE},
    };
    struct texts texts = {};
    size_t ends[3];
    struct bs_error *error = NULL;
    for (size_t i = 0; !error && i < 3; i++) {
        uint64_t addr;
        error = bs_field_read(reader->python, reader->code_addr, parts[i].offset, sizeof(addr),
                              parts[i].what, &addr);
        if (!error)
            error = read_names(reader, addr, parts[i].what, &texts);
        ends[i] = texts.count;
    }
    if (error)
        return error;
    char *kinds = bs_arena_alloc(reader->arena, texts.count + 1);
    if (!kinds)
        return &bs_enomem;
    for (size_t i = 0, part = 0; i < texts.count; i++) {
        while (i >= ends[part])
            part++;
        kinds[i] = parts[part].kind;
    }
    reader->code->locals = (struct bs_texts){texts.items, texts.count};
    reader->code->kinds = (struct bs_text){kinds, texts.count};
    return NULL;
}

static struct bs_error *read_tables(const struct reader *reader) {
    struct bs_code *code = reader->code;
    struct texts names = {};
    uint64_t addr;
    struct bs_error *error = read_bytes_field(reader, linetable, &code->linetable);
    if (!error && bs_has_field(reader->python, code, exceptiontable))
        error = read_bytes_field(reader, exceptiontable, &code->exceptiontable);
    if (!error)
        error = bs_field(reader->python, reader->code_addr, code, names, &addr);
    if (!error)
        error = read_names(reader, addr, "code.names", &names);
    code->names = (struct bs_texts){names.items, names.count};
    return error;
}

/* 3.10 keeps the bytecode in a bytes object and never changes it. */
static struct bs_error *read_plain_bytecode(const struct reader *reader) {
    struct bs_error *error = read_bytes_field(reader, bytecode, &reader->code->bytecode);
    if (!error && reader->code->bytecode.length % 2)
        return bs_error_create(BS_ERROR_CORRUPT, "code.bytecode has %zu bytes",
                               reader->code->bytecode.length);
    return error;
}

static struct bs_error *read_adaptive_bytecode(const struct reader *reader) {
    const struct bs_interpreter *python = reader->python;
    uint64_t units;
    struct bs_error *error = bs_field(python, reader->code_addr, object, size, &units);
    if (error)
        return error;
    bool large = units > UNITS_LARGE;
    if (!units || units > BS_CODE_UNITS_MAX ||
        (large && units / LINE_ENTRY_UNITS_MAX > reader->code->linetable.length))
        return bs_error_create(BS_ERROR_CORRUPT, "code.size is %" PRIu64 " units", units);
    char *adaptive = bs_arena_alloc(reader->arena, units * 2);
    char *bytecode = bs_arena_alloc(reader->arena, units * 2);
    if (!adaptive || !bytecode)
        return &bs_enomem;
    error =
        bs_read_bytes(python->target, reader->code_addr + (uint32_t)python->layout.code_adaptive,
                      "code.adaptive", adaptive, units * 2);
    if (error)
        return error;
    memcpy(bytecode, adaptive, units * 2);
    reader->code->adaptive = (struct bs_text){adaptive, units * 2};
    reader->code->bytecode = (struct bs_text){bytecode, units * 2};
    return bs_despecialize(python, reader->code_addr, (uint8_t *)bytecode, units);
}

static struct bs_error *read_title(const struct reader *reader) {
    const struct bs_interpreter *python = reader->python;
    uint64_t flags, first_line;
    struct bs_error *error =
        bs_object_expect(python, reader->code_addr, BS_KIND_CODE, "code object");
    if (!error && bs_has_field(python, code, qualname))
        error = read_str_field(reader, qualname, &reader->code->qualname);
    else if (!error)
        error = read_str_field(reader, name, &reader->code->qualname);
    if (!error)
        error = read_str_field(reader, filename, &reader->code->filename);
    if (!error)
        error = bs_field(python, reader->code_addr, code, flags, &flags);
    if (!error)
        error = bs_field(python, reader->code_addr, code, first_line, &first_line);
    if (error)
        return error;
    reader->code->flags = (uint32_t)flags;
    reader->code->first_line = (uint32_t)first_line;
    return NULL;
}

struct bs_error *bs_code_read_title(const struct bs_interpreter *python, uint64_t code_addr,
                                    struct bs_arena *arena, struct bs_code *ret) {
    struct bs_code code = {.python = python->python, .code_addr = code_addr};
    struct reader reader = {python, code_addr, arena, arena->used_bytes, &code};
    struct bs_error *error = read_title(&reader);
    if (!error)
        *ret = code;
    return error;
}

struct bs_error *bs_code_read(const struct bs_interpreter *python, uint64_t code_addr,
                              struct bs_arena *arena, struct bs_code *ret) {
    struct bs_code code = {.python = python->python, .code_addr = code_addr};
    struct reader reader = {python, code_addr, arena, arena->used_bytes, &code};
    struct bs_error *error = read_title(&reader);
    if (!error)
        error = read_tables(&reader);
    if (!error)
        error = bs_has_field(python, code, bytecode) ? read_plain_bytecode(&reader)
                                                     : read_adaptive_bytecode(&reader);
    if (!error)
        error = bs_has_field(python, code, localsplusnames) ? read_localsplus(&reader)
                                                            : read_variables(&reader);
    if (!error)
        error = read_constants(&reader);
    if (!error)
        *ret = code;
    return error;
}
