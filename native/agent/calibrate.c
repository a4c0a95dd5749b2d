#include "agent/calibrate.h"

#include "agent/clock.h"
#include "agent/quantile.h"

#include <stdlib.h>
#include <string.h>

#define NOPS        256
#define REPEATS     100
#define EDGE        4   /* steps at each end that may be something else */
#define UNITS_ENTRY 8   /* code units that one entry of a line table of 3.11 can cover */
#define BYTES_ENTRY 254 /* the same for 3.10, in bytes */
#define NO_COLUMNS  13  /* kind of entry: Objects/locations.md, "line only" */

/*
 * Line tables that put every instruction on the first line, so that the run of NOPs is not cut by
 * line events. 3.10: Objects/lnotab_notes.txt; later: Objects/locations.md (3.11).
 */
static PyObject *table_3_10(size_t units) {
    unsigned char table[2 * (2 * NOPS / BYTES_ENTRY + 3)];
    size_t length = 0;
    for (size_t bytes = 2 * units; bytes;) {
        size_t covered = bytes < BYTES_ENTRY ? bytes : BYTES_ENTRY;
        table[length++] = (unsigned char)covered;
        table[length++] = 0;
        bytes -= covered;
    }
    return PyBytes_FromStringAndSize((const char *)table, (Py_ssize_t)length);
}

static PyObject *table_3_11(size_t units) {
    unsigned char table[2 * (NOPS / UNITS_ENTRY + 8)];
    size_t length = 0;
    while (units) {
        size_t covered = units < UNITS_ENTRY ? units : UNITS_ENTRY;
        table[length++] = (unsigned char)(0x80 | NO_COLUMNS << 3 | (covered - 1));
        table[length++] = 0;
        units -= covered;
    }
    return PyBytes_FromStringAndSize((const char *)table, (Py_ssize_t)length);
}

/* Code units at the start of @p code that must stay there: RESUME and its caches, or none. */
static size_t entry_units(const char *code, Py_ssize_t length, uint8_t resume) {
    size_t units = 0;
    if (length >= 2 && resume && (unsigned char)code[0] == resume)
        units = 1;
    while (units && 2 * units + 1 < (size_t)length && !code[2 * units])
        units++;
    return units;
}

/* The bytecode of @p code with the NOPs put in, new bytes. */
static PyObject *with_nops(PyObject *code, const uint8_t *opcodes) {
    char made[2 * NOPS + 64], *plain;
    Py_ssize_t length;
    _object_ bytecode = PyObject_GetAttrString(code, "co_code");
    const uint8_t nop = opcodes[BS_REQUEST_NOP];
    if (!bytecode || !nop || PyBytes_AsStringAndSize(bytecode, &plain, &length) < 0 ||
        length > (Py_ssize_t)sizeof(made) - 2 * NOPS)
        return NULL;
    size_t entry = 2 * entry_units(plain, length, opcodes[BS_REQUEST_RESUME]);
    memcpy(made, plain, entry);
    for (size_t i = 0; i < NOPS; i++) {
        made[entry + 2 * i] = (char)nop;
        made[entry + 2 * i + 1] = 0;
    }
    memcpy(made + entry + 2 * (size_t)NOPS, plain + entry, (size_t)length - entry);
    return PyBytes_FromStringAndSize(made, length + 2 * NOPS);
}

/* A function of no arguments that executes NOPS NOPs, new; NULL with an exception set, or not. */
static PyObject *make_sled(const uint8_t *opcodes) {
    _object_ globals = PyDict_New();
    _object_ source = Py_CompileString("lambda: None", "<bytesight>", Py_eval_input);
    _object_ function = globals && source ? PyEval_EvalCode(source, globals, globals) : NULL;
    _object_ code = function ? PyObject_GetAttrString(function, "__code__") : NULL;
    _object_ bytecode = code ? with_nops(code, opcodes) : NULL;
    if (!bytecode)
        return NULL;
    size_t units = (size_t)PyBytes_Size(bytecode) / 2;
    bool is_3_10 = !PyObject_HasAttrString(code, "co_exceptiontable");
    _object_ table = is_3_10 ? table_3_10(units) : table_3_11(units);
    _object_ replace = PyObject_GetAttrString(code, "replace");
    _object_ none = PyTuple_New(0);
    _object_ changes =
        table ? Py_BuildValue("{s:O,s:O}", "co_code", bytecode, "co_linetable", table) : NULL;
    _object_ sled = replace && none && changes ? PyObject_Call(replace, none, changes) : NULL;
    return sled ? PyObject_CallFunctionObjArgs((PyObject *)Py_TYPE(function), sled, globals, NULL)
                : NULL;
}

/* From the steps of a run that was little else than the NOPs. */
static bool evaluate(struct steps *steps, struct calibration *ret) {
    float fastest[NOPS];
    size_t count = bs_steps_ordered(steps), used = 0;
    if (bs_steps_diverged(steps) || count < NOPS || count > NOPS + 2 * EDGE)
        return false;
    for (size_t i = EDGE; i < count - EDGE && used < NOPS; i++) {
        struct step step;
        bs_steps_step(steps, i, &step);
        fastest[used++] = (float)step.min_ticks;
    }
    ret->overhead_ticks = bs_quantile(fastest, used, 0.5);
    ret->spread_ticks = bs_quantile(fastest, used, 0.75) - bs_quantile(fastest, used, 0.25);
    return true;
}

/* Call the NOPs under @p engine, a number of times. */
static bool run_sled(const struct engine *engine, const uint8_t *opcodes, struct steps *steps) {
    _object_ sled = make_sled(opcodes);
    bool ran = sled != NULL;
    for (int i = 0; ran && i < REPEATS; i++) {
        bs_steps_begin(steps);
        engine->begin();
        uint64_t start = bs_clock_now();
        PyObject *result = PyObject_CallNoArgs(sled);
        engine->end(start, bs_clock_now());
        bs_steps_end(steps);
        ran = result != NULL;
        Py_XDECREF(result);
    }
    PyErr_Clear();
    return ran;
}

bool bs_calibrate(const struct engine *engine, struct engine_setup *setup,
                  struct calibration *ret) {
    const struct engine_setup theirs = *setup;
    struct steps *steps = bs_steps_create((size_t)4 * NOPS, REPEATS);
    struct codes codes;
    bool good = false;
    *ret = (struct calibration){};
    if (steps && bs_codes_init(&codes)) {
        setup->steps = steps;
        setup->codes = &codes;
        good = run_sled(engine, setup->request->opcodes, steps) && evaluate(steps, ret);
        *setup = theirs;
        bs_codes_deinit(&codes);
    }
    bs_steps_destroy(steps);
    if (engine->calibrated)
        engine->calibrated(ret->overhead_ticks);
    return good;
}
