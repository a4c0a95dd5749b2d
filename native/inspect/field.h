/* Reading one field of one of the interpreter's structures. */
#ifndef BS_INSPECT_FIELD_H
#define BS_INSPECT_FIELD_H

#include "inspect/interpreter.h"

enum bs_field_width {
#define BS_ROW(structure, field, width, what) BS_WIDTH_##structure##_##field = width,
#include "inspect/layouts/fields.def"
#undef BS_ROW
};

/*
 * struct bs_error *bs_field(python, addr, structure, field, uint64_t *ret): the field of the
 * structure at @p addr, zero-extended. BS_ERROR_FAULT names it "structure.field". A version without
 * the field is a mistake of ours, and gives BS_ERROR_UNSUPPORTED.
 */
#define bs_field(python, addr, structure, field, ret)                                              \
    bs_field_read((python), (addr), (python)->layout.structure##_##field,                          \
                  BS_WIDTH_##structure##_##field, #structure "." #field, (ret))

struct bs_error *bs_field_read(const struct bs_interpreter *python, uint64_t addr, int32_t offset,
                               size_t width, const char *name, uint64_t *ret);

/* Whether this version of Python has the field. */
#define bs_has_field(python, structure, field)                                                     \
    ((python)->layout.structure##_##field != BS_FIELD_ABSENT)

#endif
