/*
 * The interpreter's own table of offsets: _Py_DebugOffsets at the start of _PyRuntime, from 3.13
 * on. It is data of the target, so each slot that is used is checked once, here: the field lies
 * inside its structure, the structure is of a believable size, the offset is aligned. After that
 * the layout can be used without looking.
 */
#ifndef BS_INSPECT_DEBUG_OFFSETS_H
#define BS_INSPECT_DEBUG_OFFSETS_H

#include "inspect/layout.h"
#include "inspect/target.h"

#define BS_DEBUG_OFFSETS_COOKIE "xdebugpy"

/* Bound on the size that the table may claim for a structure. The largest real one is
   PyInterpreterState with some 200 KiB (3.13, free lists and static objects included). */
#define BS_DEBUG_OFFSETS_STRUCTURE_MAX (16u << 20)

/*
 * Replace rows of @p layout by what the table at @p runtime_addr says. @p python is the
 * interpreter's PY_VERSION_HEX, which the table must repeat. No-op before 3.13.
 * BS_ERROR_CORRUPT names the slot; BS_ERROR_UNSUPPORTED: a free-threaded build.
 */
struct bs_error *bs_debug_offsets_apply(const struct bs_target *target, uint64_t runtime_addr,
                                        uint32_t python, struct bs_layout *layout);

#endif
