#include "inspect/names.h"

#include "core/hash.h"
#include "core/text.h"
#include "inspect/dict.h"
#include "inspect/field.h"
#include "inspect/namespace.h"
#include "inspect/object.h"

#include <string.h>

#define NAME_LENGTH_MAX 256 /* longer keys are no names that anybody types */
#define SLOTS           65536

_Static_assert(SLOTS > 2 * BS_NAMES_MAX, "the hash table of names must have room");

struct names {
    const struct bs_interpreter *python;
    struct bs_arena *arena;
    struct bs_text *items;
    size_t count;
    uint32_t *slots; /* open addressing: index + 1 into items, 0 for free */
};

static void add(struct names *names, struct bs_text text) {
    if (names->count == BS_NAMES_MAX || !text.length)
        return;
    uint32_t slot = (uint32_t)(bs_hash(BS_HASH_INIT, text.data, text.length) % SLOTS);
    while (names->slots[slot]) {
        if (bs_text_equal(names->items[names->slots[slot] - 1], text))
            return;
        slot = (slot + 1) % SLOTS;
    }
    names->items[names->count++] = text;
    names->slots[slot] = (uint32_t)names->count;
}

/* Read the str at @p addr and add it; one that cannot be read is left out. */
static struct bs_error *add_str(struct names *names, uint64_t addr) {
    struct bs_text text;
    struct bs_error *error = bs_str_read(names->python, addr, NAME_LENGTH_MAX, names->arena, &text);
    if (!error)
        add(names, text);
    return error;
}

static struct bs_error *add_dict(struct names *names, uint64_t addr) {
    struct bs_dict_walk walk;
    uint64_t key_addr, value_addr;
    if (!addr)
        return NULL;
    struct bs_error *error = bs_dict_open(names->python, addr, &walk);
    while (!error && names->count < BS_NAMES_MAX) {
        error = bs_dict_next(&walk, &key_addr, &value_addr);
        if (error || !key_addr)
            break;
        error = bs_error_forgive(add_str(names, key_addr));
    }
    return bs_error_forgive(error);
}

static struct bs_error *add_locals(struct names *names, const struct bs_frame *frame) {
    struct bs_locals locals;
    if (!frame->code_addr)
        return NULL;
    struct bs_error *error = bs_locals_open(names->python, frame, &locals);
    for (size_t i = 0; !error && i < locals.count; i++) {
        uint64_t name_addr;
        error = bs_locals_name(&locals, i, &name_addr);
        if (!error)
            error = bs_error_forgive(add_str(names, name_addr));
    }
    return bs_error_forgive(error);
}

static struct bs_error *gather(struct names *names, const struct bs_frame *frame) {
    struct bs_namespace namespace;
    struct bs_error *error = bs_namespace_of(names->python, frame, &namespace);
    if (error)
        return bs_error_forgive(error);
    if (frame)
        error = add_locals(names, frame);
    if (!error)
        error = add_dict(names, namespace.locals_addr);
    if (!error)
        error = add_dict(names, namespace.globals_addr);
    if (!error)
        error = add_dict(names, namespace.builtins_addr);
    return error;
}

static struct bs_error *gather_of_module(struct names *names, const struct bs_frame *frame,
                                         struct bs_text module) {
    uint64_t module_addr, dict_addr;
    struct bs_error *error = bs_module_find(names->python, frame, module, &module_addr);
    if (error || !module_addr)
        return bs_error_forgive(error);
    error = bs_field(names->python, module_addr, module, dict, &dict_addr);
    return error ? bs_error_forgive(error) : add_dict(names, dict_addr);
}

/* Of @p module, as @p frame has it, if it is given, else of @p frame. */
static struct bs_error *list_names(const struct bs_interpreter *python,
                                   const struct bs_frame *frame, const struct bs_text *module,
                                   struct bs_arena *arena, struct bs_texts *ret) {
    _cleanup_free_ uint32_t *slots = calloc(SLOTS, sizeof(*slots));
    struct bs_text *items = bs_arena_alloc(arena, BS_NAMES_MAX * sizeof(*items));
    if (!slots || !items)
        return &bs_enomem;
    struct names names = {.python = python, .arena = arena, .items = items, .slots = slots};
    struct bs_error *error =
        module ? gather_of_module(&names, frame, *module) : gather(&names, frame);
    if (!error)
        *ret = (struct bs_texts){names.items, names.count};
    return error;
}

struct bs_error *bs_inspect_names(const struct bs_interpreter *python, const struct bs_frame *frame,
                                  struct bs_arena *arena, struct bs_texts *ret) {
    return list_names(python, frame, NULL, arena, ret);
}

struct bs_error *bs_inspect_module_names(const struct bs_interpreter *python,
                                         const struct bs_frame *frame, struct bs_text module,
                                         struct bs_arena *arena, struct bs_texts *ret) {
    return list_names(python, frame, &module, arena, ret);
}
