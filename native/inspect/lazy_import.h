/* Lazy imports (PEP 810, from 3.15 on): what stands for a module, or a name of one, until it is
 * used. */
#ifndef BS_INSPECT_LAZY_IMPORT_H
#define BS_INSPECT_LAZY_IMPORT_H

#include "inspect/arena.h"
#include "inspect/frames.h"

/*
 * If the object at *addr is a lazy import, put in its place what it would give to code of @p frame
 * (NULL: of the main interpreter): its module may have been loaded for another. Else *addr stays,
 * and *ret_module, in @p arena, is the name of the module that is not loaded; of no length where
 * *addr is no lazy import any more.
 */
struct bs_error *bs_lazy_import_follow(const struct bs_interpreter *python,
                                       const struct bs_frame *frame, struct bs_arena *arena,
                                       uint64_t *addr, struct bs_text *ret_module);

#endif
