/* Names that a CALL or a `code FUNC` may begin with, and what they stand for; from memory. */
#ifndef BS_INSPECT_NAMES_H
#define BS_INSPECT_NAMES_H

#include "inspect/arena.h"
#include "inspect/frames.h"

#define BS_NAMES_MAX 20000

/*
 * For completion: the local, cell and free variables of @p frame, the keys of its globals and of
 * its builtins, in this order, without duplicates. NULL @p frame: the names of __main__. @p ret
 * lives in @p arena. Dictionaries that cannot be read contribute nothing.
 */
struct bs_error *bs_inspect_names(const struct bs_interpreter *python, const struct bs_frame *frame,
                                  struct bs_arena *arena, struct bs_texts *ret);

/* The same of the module called @p module in the interpreter that runs @p frame (NULL: the main
   one); none where it is not imported. */
struct bs_error *bs_inspect_module_names(const struct bs_interpreter *python,
                                         const struct bs_frame *frame, struct bs_text module,
                                         struct bs_arena *arena, struct bs_texts *ret);

/*
 * The code object that a dotted name stands for: "f", "Class.method", "module.f", or
 * "pkg.module:f" for a module that the interpreter of @p frame has imported. The first part is
 * looked up in the locals, globals and builtins of @p frame (NULL: __main__), the rest in module
 * and class dictionaries, base classes included. Functions, methods, static and class methods,
 * properties (their getter), wrapped functions (`__wrapped__` is not followed), code objects,
 * generators and coroutines have code.
 *
 * BS_ERROR_NOT_FOUND names the part that was not found or has no bytecode; BS_ERROR_USAGE: not a
 * dotted name.
 */
struct bs_error *bs_inspect_find_code(const struct bs_interpreter *python,
                                      const struct bs_frame *frame, const char *name,
                                      uint64_t *ret_code_addr);

#endif
