/* Where a frame's names live: its fast locals and its dictionaries. For names.c and find_code.c. */
#ifndef BS_INSPECT_NAMESPACE_H
#define BS_INSPECT_NAMESPACE_H

#include "core/code.h"
#include "inspect/frames.h"

struct bs_namespace {
    uint64_t locals_addr, globals_addr, builtins_addr; /* dictionaries; 0 for none */
};

/* The dictionaries of @p frame; NULL: of __main__ of the main interpreter, which may not exist
   yet. */
struct bs_error *bs_namespace_of(const struct bs_interpreter *python, const struct bs_frame *frame,
                                 struct bs_namespace *ret);

/* The module of that name in sys.modules of the interpreter that runs @p frame, NULL: of the main
   one; 0 where there is none. */
struct bs_error *bs_module_find(const struct bs_interpreter *python, const struct bs_frame *frame,
                                struct bs_text name, uint64_t *ret_addr);

/* The fast locals of a frame: local, cell and free variables. */
struct bs_locals {
    const struct bs_interpreter *python;
    const struct bs_frame *frame;
    uint64_t tuples[3]; /* of names, end to end */
    size_t sizes[3];
    size_t count;
};

struct bs_error *bs_locals_open(const struct bs_interpreter *python, const struct bs_frame *frame,
                                struct bs_locals *ret);
/* The str that names local number @p index. */
struct bs_error *bs_locals_name(const struct bs_locals *locals, size_t index, uint64_t *ret_addr);
/* Its value, out of its cell where it is in one; 0 where it is not set. */
struct bs_error *bs_locals_value(const struct bs_locals *locals, size_t index, uint64_t *ret_addr);

#endif
