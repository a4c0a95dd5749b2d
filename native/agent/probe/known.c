#include "agent/probe/known.h"

/* Python specialises after 2 (3.11) to 16 (3.13) executions, and tries again later. */
#define WARM_UPS 200

static const char loop_source[] = "def loop():\n"
                                  "    a = b = 0\n"
                                  "    c = (1, 2.5)\n"
                                  "    while a < 9:\n"
                                  "        a = a + 1\n"
                                  "        b = b if a is b else c[0]\n"
                                  "        d = [a, b, c]\n"
                                  "    return d\n";

/* Nothing here jumps, on any version. */
static const char straight_source[] = "def inner(x, y):\n"
                                      "    z = x + y\n"
                                      "    return [z, x]\n"
                                      "def outer():\n"
                                      "    a = 1.5\n"
                                      "    b = {'k': a, 'j': 2}\n"
                                      "    c = (a, b['k'], len(b))\n"
                                      "    d = inner(c[0], a)\n"
                                      "    e = d[0] * 2.0 - a\n"
                                      "    f = f'{e}{c}'\n"
                                      "    g = inner(3, 4)[1] == 3\n"
                                      "    h = [e, f, not g, a < e]\n"
                                      "    i = -a\n"
                                      "    del b\n"
                                      "    return h, i, c[1], f.upper()\n";

/* Run @p source in a namespace of its own, new. */
static PyObject *run(const char *source) {
    _object_ names = PyDict_New();
    _object_ builtins = bs_module("builtins");
    _object_ code = Py_CompileString(source, "<bytesight>", Py_file_input);
    if (!names || !builtins || !code || PyDict_SetItemString(names, "__builtins__", builtins))
        return NULL;
    _object_ done = PyEval_EvalCode(code, names, names);
    return done ? bs_give(&names) : NULL;
}

static bool pick(PyObject *names, const char *name, struct bs_known *ret) {
    struct bs_known known = {};
    PyObject *function = names ? PyDict_GetItemString(names, name) : NULL; /* borrowed */
    char *bytes;
    Py_ssize_t length;
    if (function) {
        known.function = bs_ref(function);
        known.code = PyObject_GetAttrString(function, "__code__");
    }
    if (known.code)
        known.bytecode = PyObject_GetAttrString(known.code, "co_code");
    if (known.bytecode && !PyBytes_AsStringAndSize(known.bytecode, &bytes, &length)) {
        known.units = (const unsigned char *)bytes;
        known.unit_count = (size_t)length / 2;
        *ret = known;
        return true;
    }
    PyErr_Clear();
    bs_known_deinit(&known);
    return false;
}

bool bs_known_loop(struct bs_known *ret) {
    _object_ names = run(loop_source);
    return pick(names, "loop", ret);
}

bool bs_known_straight(struct bs_known *ret_outer, struct bs_known *ret_inner) {
    _object_ names = run(straight_source);
    struct bs_known outer;
    if (!pick(names, "outer", &outer))
        return false;
    if (!pick(names, "inner", ret_inner)) {
        bs_known_deinit(&outer);
        return false;
    }
    *ret_outer = outer;
    return true;
}

void bs_known_deinit(struct bs_known *known) {
    Py_XDECREF(known->bytecode);
    Py_XDECREF(known->code);
    Py_XDECREF(known->function);
    *known = (struct bs_known){};
}

bool bs_known_call(const struct bs_known *known) {
    PyObject *result = PyObject_CallObject(known->function, NULL);
    PyErr_Clear();
    Py_XDECREF(result);
    return result != NULL;
}

bool bs_known_warm_up(const struct bs_known *known) {
    for (int i = 0; i < WARM_UPS; i++) {
        if (!bs_known_call(known))
            return false;
    }
    return true;
}

/* Where the bytecode of @p known must be: in its bytes object, or in the code object itself. */
static struct bs_code_range range_of(const struct bs_known *known, bool in_code) {
    if (!in_code) {
        uintptr_t start = (uintptr_t)known->units;
        return (struct bs_code_range){start, start + 2 * known->unit_count};
    }
    _object_ size = PyObject_CallMethod(known->code, "__sizeof__", NULL);
    size_t bytes = size ? PyLong_AsSize_t(size) : 0;
    if (PyErr_Occurred()) {
        PyErr_Clear();
        bytes = 0;
    }
    return (struct bs_code_range){(uintptr_t)known->code, (uintptr_t)known->code + bytes};
}

bool bs_known_infer(const struct bs_known *known, const struct bs_holder_record *records,
                    size_t count, uint32_t entries, struct bs_inference *ret) {
    return bs_infer(records, count, range_of(known, false), entries, ret) ||
           bs_infer(records, count, range_of(known, true), entries, ret);
}

size_t bs_known_instruction(const struct bs_known *known, size_t unit) {
    /* CACHE is opcode 0 (3.11 and later); 3.10 has neither caches nor an opcode 0. */
    while (unit < known->unit_count && !known->units[2 * unit])
        unit++;
    return unit;
}
