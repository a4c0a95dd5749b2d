#include "inspect/lazy_import.h"

#include "core/text.h"
#include "inspect/attribute.h"
#include "inspect/field.h"
#include "inspect/namespace.h"
#include "inspect/object.h"

#include <string.h>

#define CHAIN_MAX       64 /* lazy imports that lead to one: a part of `import a.b.c as d` each */
#define NAME_LENGTH_MAX 1024

struct walk {
    const struct bs_interpreter *python;
    const struct bs_frame *frame;
    struct bs_arena *arena;
    struct bs_text module; /* the last one that was looked for */
    size_t steps;
};

static struct bs_error *kind_of(const struct walk *walk, uint64_t addr, enum bs_kind *ret) {
    *ret = BS_KIND_NONE;
    return addr ? bs_object_kind(walk->python, addr, ret) : NULL;
}

/* `import a.b` gives a, `from a.b import c, d` first a.b itself; 0 where a.b is not loaded. */
static struct bs_error *find_module(struct walk *walk, uint64_t name_addr, bool of_names,
                                    uint64_t *ret_addr) {
    struct bs_error *error =
        bs_str_read(walk->python, name_addr, NAME_LENGTH_MAX, walk->arena, &walk->module);
    if (!error)
        error = bs_module_find(walk->python, walk->frame, walk->module, ret_addr);
    const char *dot =
        walk->module.length ? memchr(walk->module.data, '.', walk->module.length) : NULL;
    if (error || !*ret_addr || of_names || !dot)
        return error;
    const struct bs_text package = {walk->module.data, (size_t)(dot - walk->module.data)};
    return bs_module_find(walk->python, walk->frame, package, ret_addr);
}

static struct bs_error *follow(struct walk *walk, uint64_t addr, uint64_t *ret_addr);

/* The name at @p name_addr of what the lazy import at @p source_addr gives. */
static struct bs_error *find_name(struct walk *walk, uint64_t source_addr, uint64_t name_addr,
                                  uint64_t *ret_addr) {
    struct bs_text name;
    uint64_t object_addr = 0;
    struct bs_error *error = follow(walk, source_addr, &object_addr);
    if (error || !object_addr)
        return error;
    error = bs_str_read(walk->python, name_addr, NAME_LENGTH_MAX, walk->arena, &name);
    return error ? error : bs_attribute_find(walk->python, object_addr, name, ret_addr);
}

/* What the lazy import at @p addr gives; 0 where that is not loaded. */
static struct bs_error *follow_one(struct walk *walk, uint64_t addr, uint64_t *ret_addr) {
    uint64_t source_addr, attribute_addr;
    enum bs_kind source, attribute = BS_KIND_NONE;
    struct bs_error *error = bs_field(walk->python, addr, lazy_import, source, &source_addr);
    if (!error)
        error = bs_field(walk->python, addr, lazy_import, attribute, &attribute_addr);
    if (!error)
        error = kind_of(walk, source_addr, &source);
    if (!error)
        error = kind_of(walk, attribute_addr, &attribute);
    if (error)
        return error;
    if (source == BS_KIND_LAZY_IMPORT && attribute == BS_KIND_STR)
        return find_name(walk, source_addr, attribute_addr, ret_addr);
    return find_module(walk, source_addr, attribute == BS_KIND_TUPLE, ret_addr);
}

/* What a lazy import gives may be one of another module. */
static struct bs_error *follow(struct walk *walk, uint64_t addr, uint64_t *ret_addr) {
    enum bs_kind kind;
    struct bs_error *error = bs_object_kind(walk->python, addr, &kind);
    while (!error && kind == BS_KIND_LAZY_IMPORT) {
        if (walk->steps++ == CHAIN_MAX)
            return bs_error_create(BS_ERROR_CORRUPT, "lazy imports lead to each other");
        uint64_t found_addr = 0;
        error = follow_one(walk, addr, &found_addr);
        addr = found_addr;
        if (!error)
            error = kind_of(walk, addr, &kind);
    }
    *ret_addr = addr;
    return error;
}

struct bs_error *bs_lazy_import_follow(const struct bs_interpreter *python,
                                       const struct bs_frame *frame, struct bs_arena *arena,
                                       uint64_t *addr, struct bs_text *ret_module) {
    struct walk walk = {.python = python, .frame = frame, .arena = arena};
    uint64_t found_addr = 0;
    *ret_module = (struct bs_text){};
    if (!bs_has_field(python, lazy_import, source))
        return NULL;
    struct bs_error *error = follow(&walk, *addr, &found_addr);
    if (error)
        return error;
    if (found_addr)
        *addr = found_addr;
    else
        *ret_module = walk.module;
    return NULL;
}
