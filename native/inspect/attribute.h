/*
 * The attribute of an object that Python would find, as far as that can be said without running
 * code: __getattr__, __getattribute__ and what descriptors written in Python return are not asked.
 */
#ifndef BS_INSPECT_ATTRIBUTE_H
#define BS_INSPECT_ATTRIBUTE_H

#include "core/code.h"
#include "inspect/interpreter.h"

/*
 * The attribute @p name of the object at @p addr, in Python's order: a data descriptor of its
 * class, the object's own attributes (a class's: those of its bases too), another attribute of its
 * class. A slot gives what is in it; every other descriptor is returned itself, a property for
 * example. *ret_addr is 0 where there is none.
 */
struct bs_error *bs_attribute_find(const struct bs_interpreter *python, uint64_t addr,
                                   struct bs_text name, uint64_t *ret_addr);

#endif
