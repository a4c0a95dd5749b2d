/* An extension module whose C functions execute a known number of instructions. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef __x86_64__
/*
 * walked_outer executes 9 instructions of its own and calls walked_inner twice, which executes 4,
 * rep stosb being one, and a loop of 2, four times and three times.
 */
__asm__(".pushsection .text\n"
        ".globl walked_outer\n"
        ".hidden walked_outer\n"
        ".type walked_outer, @function\n"
        "walked_outer:\n"
        "    push %rbx\n"
        "    sub $64, %rsp\n"
        "    mov $4, %edx\n"
        "    call walked_inner\n"
        "    mov $3, %edx\n"
        "    call walked_inner\n"
        "    add $64, %rsp\n"
        "    pop %rbx\n"
        "    ret\n"
        ".size walked_outer, . - walked_outer\n"
        ".globl walked_inner\n"
        ".hidden walked_inner\n"
        ".type walked_inner, @function\n"
        "walked_inner:\n"
        "    lea 8(%rsp), %rdi\n"
        "    mov $40, %ecx\n"
        "    rep stosb\n"
        "1:  dec %edx\n"
        "    jnz 1b\n"
        "    ret\n"
        ".size walked_inner, . - walked_inner\n"
        ".popsection\n");
extern void walked_outer(void);
#else
static void walked_outer(void) {
}
#endif

static PyObject *walked_exact(PyObject *self, PyObject *unused) {
    walked_outer();
    return PyLong_FromLong(1);
}

static PyObject *walked_call_twice(PyObject *self, PyObject *callable) {
    for (int i = 0; i < 2; i++) {
        PyObject *result = PyObject_CallObject(callable, NULL);
        if (!result)
            return NULL;
        Py_DecRef(result);
    }
    return PyLong_FromLong(2);
}

static PyMethodDef methods[] = {
    {"exact", walked_exact, METH_NOARGS, NULL},
    {"call_twice", walked_call_twice, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "walked_extension", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_walked_extension(void);
PyMODINIT_FUNC PyInit_walked_extension(void) {
    return PyModule_Create(&module);
}
