/*
 * The demo's C extension: words.total(text, function) calls function(word) for each word of a text
 * and adds the results up.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string.h>

/* Call @p function with one word and add its result to *total; false when Python raised. */
static int add_word(PyObject *function, const char *word, size_t length, long *total) {
    PyObject *result = PyObject_CallFunction(function, "s#", word, (Py_ssize_t)length);
    if (!result)
        return 0;
    *total += PyLong_AsLong(result);
    Py_DECREF(result);
    return !PyErr_Occurred();
}

static PyObject *words_total(PyObject *module, PyObject *arguments) {
    const char *text;
    PyObject *function;
    long total = 0;
    if (!PyArg_ParseTuple(arguments, "sO", &text, &function))
        return NULL;
    while (*text) {
        size_t length = strcspn(text, " ");
        if (length && !add_word(function, text, length, &total))
            return NULL;
        text += length + strspn(text + length, " ");
    }
    return PyLong_FromLong(total);
}

static PyMethodDef methods[] = {
    {"total", words_total, METH_VARARGS, "Sum of function(word) over the words of a text."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "words", .m_methods = methods};

PyMODINIT_FUNC PyInit_words(void);
PyMODINIT_FUNC PyInit_words(void) {
    return PyModule_Create(&module);
}
