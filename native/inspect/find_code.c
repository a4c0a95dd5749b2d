/* From a dotted name to the code object behind it: see names.h. */
#include "core/buffer.h"
#include "core/text.h"
#include "inspect/attribute.h"
#include "inspect/dict.h"
#include "inspect/field.h"
#include "inspect/lazy_import.h"
#include "inspect/names.h"
#include "inspect/namespace.h"
#include "inspect/object.h"

#include <inttypes.h>
#include <string.h>

#define WRAPPERS_MAX 16 /* method of a classmethod of a property of ... */

static struct bs_error *find_local(const struct bs_interpreter *python,
                                   const struct bs_frame *frame, struct bs_text name,
                                   uint64_t *ret_addr) {
    struct bs_locals locals;
    struct bs_error *error = bs_locals_open(python, frame, &locals);
    for (size_t i = 0; !error && i < locals.count; i++) {
        uint64_t name_addr;
        bool equal = false;
        error = bs_locals_name(&locals, i, &name_addr);
        if (!error)
            error = bs_str_equals(python, name_addr, name, &equal);
        /* A name may stand twice: an argument that is a cell too, on 3.10. */
        if (!error && equal)
            error = bs_locals_value(&locals, i, ret_addr);
        if (error || *ret_addr)
            return error;
    }
    return error;
}

/* The object called @p name for code of @p frame; 0 where there is none. */
static struct bs_error *find_name(const struct bs_interpreter *python, const struct bs_frame *frame,
                                  struct bs_text name, uint64_t *ret_addr) {
    struct bs_namespace namespace;
    struct bs_error *error = bs_namespace_of(python, frame, &namespace);
    const uint64_t *dicts[] = {&namespace.locals_addr, &namespace.globals_addr,
                               &namespace.builtins_addr};
    *ret_addr = 0;
    if (!error && frame && frame->code_addr)
        error = find_local(python, frame, name, ret_addr);
    for (size_t i = 0; !error && !*ret_addr && i < sizeof(dicts) / sizeof(*dicts); i++) {
        if (*dicts[i])
            error = bs_dict_find(python, *dicts[i], name, ret_addr);
    }
    return error;
}

/* Through what wraps a function, one step; *ret_code for what has bytecode of its own. */
static struct bs_error *unwrap(const struct bs_interpreter *python, enum bs_kind kind,
                               uint64_t *addr, bool *ret_code) {
    *ret_code = false;
    switch (kind) {
    case BS_KIND_METHOD:
        return bs_field(python, *addr, method, function, addr);
    case BS_KIND_CLASSMETHOD:
    case BS_KIND_STATICMETHOD:
        return bs_field(python, *addr, classmethod, callable, addr);
    case BS_KIND_PROPERTY:
        return bs_field(python, *addr, property, getter, addr);
    case BS_KIND_FUNCTION:
        *ret_code = true;
        return bs_field(python, *addr, function, code, addr);
    case BS_KIND_GENERATOR:
    case BS_KIND_COROUTINE:
    case BS_KIND_ASYNC_GENERATOR:
        *ret_code = true;
        if (bs_has_field(python, generator, code))
            return bs_field(python, *addr, generator, code, addr);
        return bs_field(python, *addr + (uint32_t)python->layout.generator_frame, frame, code,
                        addr);
    case BS_KIND_CODE:
        *ret_code = true;
        return NULL;
    default:
        return bs_error_create(BS_ERROR_NOT_FOUND, "no bytecode");
    }
}

static struct bs_error *code_of(const struct bs_interpreter *python, uint64_t addr,
                                uint64_t *ret_code_addr) {
    enum bs_kind kind;
    bool is_code = false;
    struct bs_error *error = NULL;
    for (size_t i = 0; !error && !is_code; i++) {
        error = bs_object_kind(python, addr, &kind);
        if (!error && i == WRAPPERS_MAX)
            return bs_error_create(BS_ERROR_NOT_FOUND, "no bytecode");
        if (!error)
            error = unwrap(python, kind, &addr, &is_code);
    }
    addr &= ~BS_REFERENCE_TAG_MASK; /* a generator's comes out of its frame */
    if (!error)
        error = bs_object_expect(python, addr, BS_KIND_CODE, "code object");
    if (!error)
        *ret_code_addr = addr;
    return error;
}

/* Where the text up to the next '.' ends. */
static struct bs_text next_part(const char **text) {
    size_t length = strcspn(*text, ".");
    struct bs_text part = {*text, length};
    *text += length + ((*text)[length] == '.');
    return part;
}

/* Parts are separated by dots, after at most one module and colon; none is empty. No call is. */
static bool is_dotted_name(const char *name) {
    bool empty = true;
    if (strpbrk(name, "() "))
        return false;
    for (const char *c = name; *c; c++) {
        bool separator = *c == '.' || *c == ':';
        if (separator && empty)
            return false;
        empty = separator;
    }
    const char *colon = strchr(name, ':');
    return !empty && (!colon || !strchr(colon + 1, ':'));
}

/* The first object of a name: a module for "pkg.mod:", else what the frame sees. */
static struct bs_error *find_first(const struct bs_interpreter *python,
                                   const struct bs_frame *frame, const char **rest,
                                   struct bs_text *ret_part, uint64_t *ret_addr) {
    const char *colon = strchr(*rest, ':');
    if (!colon) {
        *ret_part = next_part(rest);
        return find_name(python, frame, *ret_part, ret_addr);
    }
    *ret_part = (struct bs_text){*rest, (size_t)(colon - *rest)};
    *rest = colon + 1;
    return bs_module_find(python, frame, *ret_part, ret_addr);
}

/* Go on to what the lazy import at *addr gives, if it is one; its module has to be loaded. */
static struct bs_error *follow_lazy_import(const struct bs_interpreter *python,
                                           const struct bs_frame *frame, const char *name,
                                           uint64_t *addr) {
    _cleanup_arena_ struct bs_arena arena = BS_ARENA_INIT;
    struct bs_text module;
    struct bs_error *error = bs_lazy_import_follow(python, frame, &arena, addr, &module);
    if (error || !module.length)
        return error;
    return bs_error_create(BS_ERROR_NOT_FOUND,
                           "%s is imported lazily, and %.*s is not loaded yet: let the program use "
                           "it first",
                           name, (int)module.length, module.data);
}

/* What the interpreter keeps for these in the object, and computes no more than to give it. */
static const struct {
    enum bs_kind kind;
    const char *attribute;
} codes[] = {
    {BS_KIND_FUNCTION, "__code__"},
    {BS_KIND_GENERATOR, "gi_code"},
    {BS_KIND_COROUTINE, "cr_code"},
    {BS_KIND_ASYNC_GENERATOR, "ag_code"},
};
#define ANNOTATE          "__annotate__"      /* of functions and classes, from 3.14 on */
#define ANNOTATE_OF_CLASS "__annotate_func__" /* where a class has it, if not from a base */

static bool is_its_code(enum bs_kind kind, struct bs_text name) {
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        if (codes[i].kind == kind && bs_text_equal(name, bs_text_of(codes[i].attribute)))
            return true;
    }
    return false;
}

static struct bs_error *find_annotate(const struct bs_interpreter *python, enum bs_kind kind,
                                      uint64_t addr, uint64_t *ret_addr) {
    uint64_t dict_addr;
    if (kind == BS_KIND_FUNCTION && bs_has_field(python, function, annotate))
        return bs_field(python, addr, function, annotate, ret_addr);
    if (kind != BS_KIND_TYPE)
        return NULL;
    struct bs_error *error = bs_field(python, addr, type, dict, &dict_addr);
    if (error || !dict_addr)
        return error;
    return bs_dict_find(python, dict_addr, bs_text_of(ANNOTATE_OF_CLASS), ret_addr);
}

static struct bs_error *find_part(const struct bs_interpreter *python, uint64_t addr,
                                  struct bs_text name, uint64_t *ret_addr) {
    enum bs_kind kind;
    struct bs_error *error = bs_object_kind(python, addr, &kind);
    *ret_addr = 0;
    if (!error && is_its_code(kind, name))
        return code_of(python, addr, ret_addr);
    if (!error && bs_text_equal(name, bs_text_of(ANNOTATE)))
        error = find_annotate(python, kind, addr, ret_addr);
    return error || *ret_addr ? error : bs_attribute_find(python, addr, name, ret_addr);
}

/* The object of a whole name; 0 where there is none, *ret_part is then the part that is missing. */
static struct bs_error *find_object(const struct bs_interpreter *python,
                                    const struct bs_frame *frame, const char *name,
                                    struct bs_text *ret_part, uint64_t *ret_addr) {
    const char *rest = name;
    *ret_addr = 0;
    struct bs_error *error = find_first(python, frame, &rest, ret_part, ret_addr);
    if (!error && *ret_addr)
        error = follow_lazy_import(python, frame, name, ret_addr);
    while (!error && *ret_addr && *rest) {
        uint64_t object_addr = *ret_addr;
        *ret_part = next_part(&rest);
        error = find_part(python, object_addr, *ret_part, ret_addr);
        if (!error && *ret_addr)
            error = follow_lazy_import(python, frame, name, ret_addr);
    }
    return error;
}

/* Whether @p name, which @p frame does not see, is one of __main__ of its interpreter. */
static bool is_in_main(const struct bs_interpreter *python, const struct bs_frame *frame,
                       const char *name) {
    _cleanup_buffer_ struct bs_buffer in_main = BS_BUFFER_INIT;
    struct bs_text part;
    uint64_t addr = 0;
    if (!frame || strchr(name, ':'))
        return false;
    bs_buffer_format(&in_main, "__main__:%s", name);
    bs_buffer_char(&in_main, 0);
    struct bs_error *error = bs_buffer_status(&in_main);
    if (!error)
        error = find_object(python, frame, in_main.data, &part, &addr);
    const bool found = !error && addr;
    bs_error_destroy(error);
    return found;
}

/* There is no @p part, with which @p name begins. */
static struct bs_error *not_found(const struct bs_interpreter *python, const struct bs_frame *frame,
                                  const char *name, struct bs_text part) {
    if (is_in_main(python, frame, name))
        return bs_error_create(BS_ERROR_NOT_FOUND,
                               "%s: the selected frame does not see it, but __main__ does: "
                               "bytesight code __main__:%s",
                               name, name);
    return bs_error_create(BS_ERROR_NOT_FOUND,
                           "%s: there is no %.*s here: name a function that the selected frame can "
                           "see, or MODULE:FUNCTION of a module that is imported",
                           name, (int)part.length, part.data);
}

/* Where what can be called, and is no function, keeps the function that it calls. */
static const struct {
    const char *attribute;
    bool of_class;
} callees[] = {
    {"__wrapped__", false}, {"func", false},   {"__call__", false},
    {"__init__", true},     {"__new__", true},
};
#define WRAPPED 0 /* of these, what may be around another one */

/* What the object at @p addr keeps there, 0: nothing; *ret_has_code: it is a function. */
static uint64_t find_callee(const struct bs_interpreter *python, uint64_t addr, size_t i,
                            bool *ret_has_code) {
    uint64_t callee_addr = 0, code_addr;
    enum bs_kind kind;
    struct bs_error *error = bs_object_kind(python, addr, &kind);
    *ret_has_code = false;
    if (!error && (kind == BS_KIND_TYPE) == callees[i].of_class)
        error = bs_attribute_find(python, addr, bs_text_of(callees[i].attribute), &callee_addr);
    if (!error && callee_addr) {
        error = code_of(python, callee_addr, &code_addr);
        *ret_has_code = !error;
    }
    bs_error_destroy(error);
    return callee_addr;
}

/*
 * A class, an instance, or what a decorator made: the function behind it is the way out, also where
 * one decorator is around another.
 */
static struct bs_error *no_bytecode(const struct bs_interpreter *python, const char *name,
                                    uint64_t addr) {
    _cleanup_buffer_ struct bs_buffer path = BS_BUFFER_INIT;
    bs_buffer_text(&path, name);
    for (int depth = 0; depth < WRAPPERS_MAX && addr; depth++) {
        uint64_t wrapped_addr = 0;
        for (size_t i = 0; i < sizeof(callees) / sizeof(*callees); i++) {
            bool has_code;
            const uint64_t callee_addr = find_callee(python, addr, i, &has_code);
            if (i == WRAPPED)
                wrapped_addr = callee_addr;
            if (has_code)
                return bs_error_create(BS_ERROR_NOT_FOUND,
                                       "%s has no bytecode of its own, but what it calls has: "
                                       "bytesight code %.*s.%s",
                                       name, (int)path.length, path.data, callees[i].attribute);
        }
        addr = wrapped_addr;
        bs_buffer_char(&path, '.');
        bs_buffer_text(&path, callees[WRAPPED].attribute);
    }
    return bs_error_create(BS_ERROR_NOT_FOUND,
                           "%s has no bytecode: it is not a function written in Python", name);
}

struct bs_error *bs_inspect_find_code(const struct bs_interpreter *python,
                                      const struct bs_frame *frame, const char *name,
                                      uint64_t *ret_code_addr) {
    struct bs_text part;
    uint64_t addr;
    if (!is_dotted_name(name))
        return bs_error_create(BS_ERROR_USAGE,
                               "\"%s\" is no name of a function: use NAME, NAME.NAME or "
                               "MODULE:NAME",
                               name);
    struct bs_error *error = find_object(python, frame, name, &part, &addr);
    if (error)
        return error;
    if (!addr && part.data == name)
        return not_found(python, frame, name, part);
    if (!addr)
        return bs_error_create(
            BS_ERROR_NOT_FOUND,
            "%s: there is no %.*s in %.*s, as far as can be told without running code", name,
            (int)part.length, part.data, (int)(part.data - 1 - name), name);
    error = code_of(python, addr, ret_code_addr);
    if (!error || error->code != BS_ERROR_NOT_FOUND)
        return error;
    bs_error_destroy(error);
    return no_bytecode(python, name, addr);
}
