/*
 * Python objects as text, bounded: a value of 100 MB is never rendered in full. A large one of
 * another type than the language's own becomes "<T of N items>", where C code counts them; what
 * only a repr() in Python knows has no bound. A repr() that raises becomes "<repr of T raised E>",
 * and no exception is left set.
 */
#ifndef BS_AGENT_REPR_H
#define BS_AGENT_REPR_H

#include "agent/python.h"

#define BS_TEXT_BYTES_MAX 256 /* of a shown value or message: some 200 bytes of it, and "..." */

struct text {
    size_t length, limit; /* limit: content is cut there */
    bool cut;
    char data[BS_TEXT_BYTES_MAX];
};

/* What repr(@p value) gives, or its beginning. */
void bs_repr(PyObject *value, struct text *ret);
/* What str(@p value) gives, or its beginning; "<str of T raised E>". */
void bs_str(PyObject *value, struct text *ret);
/* type(@p value).__name__, or @p value.__name__ of a type. */
void bs_type_name(PyObject *value, struct text *ret);

/* @p text in UTF-8, new bytes; what cannot be encoded is escaped. NULL: an exception is set. */
PyObject *bs_utf8(PyObject *text);

#endif
