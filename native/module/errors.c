#include "module/module.h"

/* The exceptions that mean something by themselves; any other is the debugger's refusal. */
static enum bs_error_code code_of(PyObject *type) {
    if (PyErr_GivenExceptionMatches(type, PyExc_KeyboardInterrupt))
        return BS_ERROR_INTERRUPTED;
    if (PyErr_GivenExceptionMatches(type, PyExc_LookupError))
        return BS_ERROR_NOT_FOUND;
    if (PyErr_GivenExceptionMatches(type, PyExc_MemoryError))
        return BS_ERROR_NO_MEMORY;
    return BS_ERROR_HOST;
}

static struct bs_error *make_error(enum bs_error_code code, PyObject *value) {
    _cleanup_py_text_ struct bs_py_text text = {};
    _cleanup_decref_ PyObject *str = value ? PyObject_Str(value) : NULL;
    if (code == BS_ERROR_NO_MEMORY)
        return &bs_enomem;
    if (code == BS_ERROR_INTERRUPTED)
        return &bs_interrupted;
    if (str && bs_py_text_init(str, &text) && text.data[0])
        return bs_error_create(code, "%s", text.data);
    return bs_error_create(code, "the debugger gave no reason");
}

struct bs_error *bs_error_from_python(void) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    struct bs_error *error = make_error(type ? code_of(type) : BS_ERROR_HOST, value);
    PyErr_Clear(); /* what str() of the exception may have raised */
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return error;
}

PyObject *bs_error_to_python(struct bs_error *error, PyObject *exception_type) {
    if (error->code == BS_ERROR_INTERRUPTED) {
        PyErr_SetNone(PyExc_KeyboardInterrupt);
    } else {
        _cleanup_decref_ PyObject *message = bs_py_text_clean(bs_text_of(error->message));
        if (message)
            PyErr_SetObject(exception_type, message);
    }
    bs_error_destroy(error);
    return NULL;
}
