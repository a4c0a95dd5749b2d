/*
 * The interpreter as the agent uses it: the limited API of 3.10, and rows of python.def for the
 * rest, so that one binary serves 3.10 to 3.15 whatever headers it was compiled with.
 *
 * What the agent does with Python objects it does through functions: what the headers at hand
 * inline (reference counts above all) need not be what the interpreter that runs does.
 */
#ifndef BS_AGENT_PYTHON_H
#define BS_AGENT_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#undef Py_INCREF
#undef Py_DECREF
#undef Py_XINCREF
#undef Py_XDECREF
#define Py_INCREF(object)  Py_IncRef((PyObject *)(object))
#define Py_DECREF(object)  Py_DecRef((PyObject *)(object))
#define Py_XINCREF(object) Py_IncRef((PyObject *)(object))
#define Py_XDECREF(object) Py_DecRef((PyObject *)(object))

/* Py_tracefunc and its `what`: Include/cpython/pystate.h. */
typedef int trace_fn(PyObject *self, PyFrameObject *frame, int what, PyObject *arg);
enum trace_what {
    TRACE_CALL = 0,
    TRACE_EXCEPTION = 1,
    TRACE_LINE = 2,
    TRACE_RETURN = 3,
    TRACE_OPCODE = 7,
};

struct python {
#define BS_ROW(need, result, name, arguments) result(*name) arguments;
#include "agent/python.def"
#undef BS_ROW
};
extern struct python bs_python;

/*
 * Why Python cannot be used in this process, or NULL. Fills bs_python; takes no lock of Python's.
 * @p runtime_addr is where the _PyRuntime of the one that is meant lies; 0: any will do.
 */
const char *bs_python_open(uint64_t runtime_addr);

/* An object reference that is dropped when its scope ends. */
static inline void bs_cleanup_object(PyObject **object) {
    if (*object)
        Py_DecRef(*object);
}
#define _object_ __attribute__((__cleanup__(bs_cleanup_object), __unused__)) PyObject *

static inline PyObject *bs_ref(PyObject *object) {
    Py_IncRef(object);
    return object;
}

/* Give a guarded reference away: yields it and leaves NULL behind. */
static inline PyObject *bs_give(PyObject **object) {
    PyObject *given = *object;
    *object = NULL;
    return given;
}

/* Replace what *@p slot owns by @p object, a new reference or NULL. */
static inline void bs_set(PyObject **slot, PyObject *object) {
    PyObject *old = *slot;
    *slot = object;
    Py_DecRef(old);
}

/*
 * The module @p name, which has no dot, a new reference; NULL with an exception set. Not by
 * PyImport_ImportModule(): that calls __import__ of the builtins of the code that the program was
 * stopped in, which may have none (eval(text, {"__builtins__": {}})) or one of the program's own.
 */
PyObject *bs_module(const char *name);
/* Attribute @p name of module @p module, a new reference; NULL with an exception set. */
PyObject *bs_module_attr(const char *module, const char *name);
/* Attribute @p name of @p object, a new reference; NULL, and no exception, when there is none. */
PyObject *bs_attr_if_any(PyObject *object, const char *name);
/* Attribute @p name of @p object as a non-negative number; @p otherwise when there is none. */
uint64_t bs_number_attr(PyObject *object, const char *name, uint64_t otherwise);

/* The exception that is set, put away and set again: nothing between may see or lose it. */
struct pending {
    PyObject *type, *value, *traceback;
};
static inline struct pending bs_pending_save(void) {
    struct pending pending;
    PyErr_Fetch(&pending.type, &pending.value, &pending.traceback);
    return pending;
}
static inline void bs_pending_restore(struct pending *pending) {
    PyErr_Restore(pending->type, pending->value, pending->traceback);
}

#endif
