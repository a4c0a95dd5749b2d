#include "module/module.h"

#include <string.h>

bool bs_py_text_init(PyObject *object, struct bs_py_text *ret) {
    char *data;
    Py_ssize_t length;
    *ret = (struct bs_py_text){};
    if (object == Py_None)
        return true;
    if (!PyUnicode_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "text must be str");
        return false;
    }
    /* What a debugger decoded from bytes that are no UTF-8 goes back to these bytes. */
    ret->bytes = PyUnicode_AsEncodedString(object, "utf-8", "surrogateescape");
    if (!ret->bytes) {
        PyErr_Clear();
        ret->bytes = PyUnicode_AsEncodedString(object, "utf-8", "replace");
    }
    if (!ret->bytes || PyBytes_AsStringAndSize(ret->bytes, &data, &length))
        return false;
    if (strlen(data) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, "text must not contain a NUL character");
        return false;
    }
    ret->data = data;
    return true;
}

void bs_py_text_deinit(struct bs_py_text *text) {
    Py_XDECREF(text->bytes);
}

PyObject *bs_py_text_from(const char *data, size_t length) {
    return PyUnicode_DecodeUTF8(data, (Py_ssize_t)length, "replace");
}

PyObject *bs_py_text_clean(struct bs_text text) {
    _cleanup_buffer_ struct bs_buffer clean = BS_BUFFER_INIT;
    bs_buffer_clean(&clean, text);
    return clean.error ? PyErr_NoMemory() : bs_py_text_from(clean.data, clean.length);
}
