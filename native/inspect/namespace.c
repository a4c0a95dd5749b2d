#include "inspect/namespace.h"

#include "core/text.h"
#include "inspect/dict.h"
#include "inspect/field.h"
#include "inspect/object.h"

#include <string.h>

#define LOCALS_MAX 65536

struct bs_error *bs_module_find(const struct bs_interpreter *python, const struct bs_frame *frame,
                                struct bs_text name, uint64_t *ret_addr) {
    uint64_t interpreter_addr = frame ? frame->interpreter_addr : 0, modules_addr = 0;
    struct bs_error *error =
        interpreter_addr ? NULL : bs_interpreter_main(python, &interpreter_addr);
    *ret_addr = 0;
    if (!error && interpreter_addr)
        error = bs_field(python, interpreter_addr, interpreter, modules, &modules_addr);
    if (!error && modules_addr)
        error = bs_dict_find(python, modules_addr, name, ret_addr);
    return error;
}

static struct bs_error *namespace_of_main(const struct bs_interpreter *python,
                                          struct bs_namespace *ret) {
    uint64_t main_addr, module_addr;
    struct bs_error *error = bs_interpreter_main(python, &main_addr);
    if (!error && main_addr)
        error = bs_field(python, main_addr, interpreter, builtins, &ret->builtins_addr);
    if (!error)
        error = bs_module_find(python, NULL, bs_text_of("__main__"), &module_addr);
    if (!error && module_addr)
        error = bs_field(python, module_addr, module, dict, &ret->globals_addr);
    return error;
}

struct bs_error *bs_namespace_of(const struct bs_interpreter *python, const struct bs_frame *frame,
                                 struct bs_namespace *ret) {
    *ret = (struct bs_namespace){};
    if (!frame)
        return namespace_of_main(python, ret);
    *ret = (struct bs_namespace){frame->locals_addr, frame->globals_addr, frame->builtins_addr};
    if (ret->locals_addr == ret->globals_addr)
        ret->locals_addr = 0;
    if (!ret->locals_addr)
        return NULL;
    /* What a class has from __prepare__, or exec() was given, may be any mapping. */
    enum bs_kind kind;
    struct bs_error *error = bs_object_kind(python, ret->locals_addr, &kind);
    if (!error && kind != BS_KIND_DICT)
        ret->locals_addr = 0;
    return error;
}

struct bs_error *bs_locals_open(const struct bs_interpreter *python, const struct bs_frame *frame,
                                struct bs_locals *ret) {
    const struct bs_layout *layout = &python->layout;
    const int32_t offsets[3] = {
        bs_has_field(python, code, varnames) ? layout->code_varnames : layout->code_localsplusnames,
        layout->code_cellvars,
        layout->code_freevars,
    };
    struct bs_locals locals = {.python = python, .frame = frame};
    struct bs_error *error = NULL;
    for (size_t i = 0; !error && i < 3 && offsets[i] != BS_FIELD_ABSENT; i++) {
        error = bs_field_read(python, frame->code_addr, offsets[i], 8, "code.localsplusnames",
                              &locals.tuples[i]);
        if (!error)
            error = bs_tuple_size(python, locals.tuples[i], LOCALS_MAX, "code.localsplusnames",
                                  &locals.sizes[i]);
        locals.count += locals.sizes[i];
    }
    if (!error)
        *ret = locals;
    return error;
}

struct bs_error *bs_locals_name(const struct bs_locals *locals, size_t index, uint64_t *ret_addr) {
    size_t tuple = 0;
    while (index >= locals->sizes[tuple])
        index -= locals->sizes[tuple++];
    return bs_tuple_item(locals->python, locals->tuples[tuple], index, ret_addr);
}

struct bs_error *bs_locals_value(const struct bs_locals *locals, size_t index, uint64_t *ret_addr) {
    const struct bs_interpreter *python = locals->python;
    enum bs_kind kind;
    uint64_t value_addr,
        slot_addr = locals->frame->frame_addr + (uint32_t)python->layout.frame_slots + index * 8;
    struct bs_error *error = bs_read_u64(python->target, slot_addr, "frame.slots", &value_addr);
    *ret_addr = 0;
    if (error)
        return error;
    value_addr &= ~BS_REFERENCE_TAG_MASK;
    if (!value_addr)
        return NULL;
    error = bs_object_kind(python, value_addr, &kind);
    if (!error && kind == BS_KIND_CELL)
        error = bs_field(python, value_addr, cell, content, &value_addr);
    if (!error)
        *ret_addr = value_addr;
    return error;
}
