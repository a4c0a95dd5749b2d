#include "inspect/object.h"

#include "inspect/field.h"

#include <inttypes.h>
#include <string.h>

/* Names of the interpreter's own types; a class of the user's may have one too, but is a heap
   type. */
static const struct {
    const char *name;
    enum bs_kind kind;
} kinds[] = {
    {"NoneType", BS_KIND_NONE},
    {"ellipsis", BS_KIND_ELLIPSIS},
    {"bool", BS_KIND_BOOL},
    {"int", BS_KIND_INT},
    {"float", BS_KIND_FLOAT},
    {"complex", BS_KIND_COMPLEX},
    {"str", BS_KIND_STR},
    {"bytes", BS_KIND_BYTES},
    {"tuple", BS_KIND_TUPLE},
    {"frozenset", BS_KIND_FROZENSET},
    {"slice", BS_KIND_SLICE},
    {"code", BS_KIND_CODE},
    {"function", BS_KIND_FUNCTION},
    {"method", BS_KIND_METHOD},
    {"classmethod", BS_KIND_CLASSMETHOD},
    {"staticmethod", BS_KIND_STATICMETHOD},
    {"property", BS_KIND_PROPERTY},
    {"generator", BS_KIND_GENERATOR},
    {"coroutine", BS_KIND_COROUTINE},
    {"async_generator", BS_KIND_ASYNC_GENERATOR},
    {"cell", BS_KIND_CELL},
    {"member_descriptor", BS_KIND_MEMBER},
    {"lazy_import", BS_KIND_LAZY_IMPORT},
    {"dict", BS_KIND_DICT},
    {"frozendict", BS_KIND_DICT}, /* laid out alike */
};

static const char *kind_name(enum bs_kind kind) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (kinds[i].kind == kind)
            return kinds[i].name;
    }
    return "type";
}

struct bs_error *bs_object_type(const struct bs_interpreter *python, uint64_t addr, uint64_t *ret) {
    return bs_field(python, addr, object, type, ret);
}

struct bs_error *bs_type_name(const struct bs_interpreter *python, uint64_t type_addr,
                              char ret[static BS_TYPE_NAME_MAX]) {
    uint64_t name_addr;
    struct bs_error *error = bs_field(python, type_addr, type, name, &name_addr);
    *ret = 0;
    if (error)
        return error;
    return bs_read_string(python->target, name_addr, "type.name", ret, BS_TYPE_NAME_MAX);
}

struct bs_error *bs_object_kind(const struct bs_interpreter *python, uint64_t addr,
                                enum bs_kind *ret) {
    char name[BS_TYPE_NAME_MAX];
    uint64_t type_addr, flags;
    struct bs_error *error = bs_object_type(python, addr, &type_addr);
    if (!error)
        error = bs_field(python, type_addr, type, flags, &flags);
    if (error)
        return error;
    *ret = BS_KIND_OTHER;
    if (flags & (BS_TYPE_FLAG_DICT | BS_TYPE_FLAG_TYPE)) {
        *ret = flags & BS_TYPE_FLAG_DICT ? BS_KIND_DICT : BS_KIND_TYPE;
        return NULL;
    }
    if (flags & BS_TYPE_FLAG_HEAP)
        return NULL;
    error = bs_type_name(python, type_addr, name);
    for (size_t i = 0; !error && i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (!strcmp(kinds[i].name, name))
            *ret = kinds[i].kind;
    }
    return error;
}

struct bs_error *bs_object_expect(const struct bs_interpreter *python, uint64_t addr,
                                  enum bs_kind kind, const char *what) {
    enum bs_kind actual;
    struct bs_error *error = bs_object_kind(python, addr, &actual);
    if (error)
        return bs_error_prefix(error, "%s", what);
    if (actual == kind)
        return NULL;
    return bs_error_create(BS_ERROR_CORRUPT, "%s at 0x%" PRIx64 " is no %s object", what, addr,
                           kind_name(kind));
}

struct bs_error *bs_bytes_read(const struct bs_interpreter *python, uint64_t addr, size_t max_bytes,
                               const char *what, struct bs_arena *arena, struct bs_text *ret) {
    uint64_t size;
    struct bs_error *error = bs_object_expect(python, addr, BS_KIND_BYTES, what);
    if (!error)
        error = bs_field(python, addr, object, size, &size);
    if (error)
        return error;
    if (size > max_bytes)
        return bs_error_create(BS_ERROR_CORRUPT, "%s claims %" PRIu64 " bytes", what, size);
    char *data = bs_arena_alloc(arena, size + 1);
    if (!data)
        return &bs_enomem;
    error =
        bs_read_bytes(python->target, addr + (uint32_t)python->layout.bytes_data, what, data, size);
    if (!error)
        *ret = (struct bs_text){data, size};
    return error;
}

struct bs_error *bs_tuple_size(const struct bs_interpreter *python, uint64_t addr, size_t max,
                               const char *what, size_t *ret) {
    uint64_t size;
    struct bs_error *error = bs_object_expect(python, addr, BS_KIND_TUPLE, what);
    if (!error)
        error = bs_field(python, addr, object, size, &size);
    if (error)
        return error;
    if (size > max)
        return bs_error_create(BS_ERROR_CORRUPT, "%s claims %" PRIu64 " items", what, size);
    *ret = size;
    return NULL;
}

struct bs_error *bs_tuple_item(const struct bs_interpreter *python, uint64_t addr, size_t index,
                               uint64_t *ret) {
    uint64_t item_addr = addr + (uint32_t)python->layout.tuple_items + index * 8;
    return bs_read_u64(python->target, item_addr, "tuple.items", ret);
}
