/*
 * Where the fields of the interpreter's structures are, in bytes from the start of each (of an
 * instance, some are in front of it: below 0).
 *
 * One row per field in layouts/fields.def names it; one file per version, layouts/3_NN.def, gives
 * its place as the headers of that version say (x86-64, LP64; made by
 * tests/inspect/layouts/rows.c). From 3.13 on the interpreter also carries a table,
 * _Py_DebugOffsets at the start of _PyRuntime; what it says replaces our rows, once it has been
 * validated field by field (debug_offsets.h).
 *
 * To add a version: a layouts/3_NN.def, or 3_NN_M.def where a patch version moved something, and
 * its row in layout.c; the slots of its table in order, layouts/table_3_NN.def, and their row in
 * debug_offsets.c.
 */
#ifndef BS_INSPECT_LAYOUT_H
#define BS_INSPECT_LAYOUT_H

#include "core/error.h"

#include <stdbool.h>
#include <stdint.h>

#define BS_FIELD_ABSENT (-1) /* this version has no such field */

struct bs_layout {
    uint32_t python; /* the oldest of its minor version that is laid out so: 0x030d0000 */
#define BS_ROW(structure, field, width, what) int32_t structure##_##field;
#include "inspect/layouts/fields.def"
#undef BS_ROW
};

/* The rows of @p python (PY_VERSION_HEX), or NULL when there are none. */
const struct bs_layout *bs_layout_rows(uint32_t python);

#endif
