#include "agent/names.h"

/* Whether the state at @p addr, of which the debugger read, is still one of the main interpreter.
 */
static bool is_state(uintptr_t addr) {
    PyThreadState *state = bs_python.PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    while (state && (uintptr_t)state != addr)
        state = bs_python.PyThreadState_Next(state);
    return state;
}

/*
 * The frame @p index frames up from the innermost of a thread state: a new reference or NULL. Not
 * by way of sys._current_frames(): that one makes frame objects in all sub-interpreters too, with
 * the memory of ours, which from 3.12 on they may not free.
 */
static PyObject *find_frame(uintptr_t state_addr, uint32_t index) {
    if (!is_state(state_addr))
        return NULL;
    _object_ frame = (PyObject *)PyThreadState_GetFrame((PyThreadState *)state_addr);
    for (uint32_t i = 0; frame && i < index; i++)
        bs_set(&frame, PyObject_GetAttrString(frame, "f_back"));
    PyErr_Clear();
    return frame && frame != Py_None ? bs_give(&frame) : NULL;
}

#define CO_OPTIMIZED 1 /* of co_flags: locals are not in a dict. Include/cpython/code.h */

/*
 * Up to 3.12 the locals of a function are copied into a dict that its frame keeps. In the program's
 * own process what is in it would live on; and where the program was stopped between the load and
 * the store by which it drops a reference to one of them, that of the dict would be lost. Nobody
 * has the dict but the frame and we, or it stays as it is.
 */
static void empty_copy(PyObject *frame, PyObject *locals) {
    _object_ code = bs_attr_if_any(frame, "f_code");
    if (code && bs_number_attr(code, "co_flags", 0) & CO_OPTIMIZED &&
        Py_TYPE(locals) == &PyDict_Type && Py_REFCNT(locals) == 2)
        PyDict_Clear(locals);
}

/*
 * What a class has from __prepare__, or exec() was given, may be any mapping, and need not say what
 * it holds: then CALL does without.
 */
static bool copy_locals(struct names *names, PyObject *locals) {
    if (!PyDict_Update(names->locals, locals))
        return true;
    if (PyDict_Check(locals) || !PyErr_ExceptionMatches(PyExc_Exception))
        return false;
    PyErr_Clear();
    return true;
}

/* From 3.15 on exec() takes a frozendict too, of which no copy could be added to. */
static PyObject *as_dict(PyObject *globals) {
    if (PyDict_Check(globals))
        return bs_ref(globals);
    _object_ dict = PyDict_New();
    return dict && !PyDict_Update(dict, globals) ? bs_give(&dict) : NULL;
}

/* Locals of a module are its globals: then there is nothing to copy. */
static bool take_frame(struct names *names, PyObject *frame) {
    _object_ globals = PyObject_GetAttrString(frame, "f_globals");
    _object_ locals = PyObject_GetAttrString(frame, "f_locals");
    if (!globals || !locals)
        return false;
    names->globals = as_dict(globals);
    names->of_module = locals == globals;
    if (!names->globals || (!names->of_module && !copy_locals(names, locals)))
        return false;
    empty_copy(frame, locals);
    return true;
}

static bool take_main(struct names *names) {
    PyObject *main = PyImport_AddModule("__main__");
    names->globals = main ? bs_ref(PyModule_GetDict(main)) : NULL;
    names->of_module = true;
    return names->globals != NULL;
}

bool bs_names_open(struct names *names, const struct bs_request *request, struct failure *failure) {
    *names = (struct names){.locals = PyDict_New()};
    _object_ frame = NULL;
    if (request->frame_index != BS_FRAME_NONE) {
        frame = find_frame(request->thread_state_addr, request->frame_index);
        if (!frame)
            return bs_fail(failure, BS_OUTCOME_REFUSED,
                           "the Python frame whose names CALL may use is not there any more");
    }
    if (!names->locals || !(frame ? take_frame(names, frame) : take_main(names)))
        return bs_fail_raised(failure, BS_OUTCOME_REFUSED, "names for CALL cannot be read");
    return true;
}

void bs_names_close(struct names *names) {
    bs_set(&names->locals, NULL);
    bs_set(&names->globals, NULL);
}

bool bs_names_over(struct names *ret, const struct names *names, PyObject *globals) {
    *ret = (struct names){.locals = PyDict_Copy(names->globals), .globals = bs_ref(globals)};
    return ret->locals && PyDict_Update(ret->locals, names->locals) == 0;
}

static bool has_nested_scope(PyObject *code) {
    _object_ constants = PyObject_GetAttrString(code, "co_consts");
    Py_ssize_t count = constants ? PyTuple_Size(constants) : 0;
    bool nested = false;
    for (Py_ssize_t i = 0; i < count && !nested; i++)
        nested = Py_TYPE(PyTuple_GetItem(constants, i)) == Py_TYPE(code);
    PyErr_Clear();
    return nested;
}

PyObject *bs_names_evaluate(const struct names *names, PyObject *code) {
    if (!has_nested_scope(code))
        return PyEval_EvalCode(code, names->globals, names->locals);
    /* Lambdas and comprehensions see globals only, so that locals must be among them. */
    _object_ all = PyDict_Copy(names->globals);
    if (!all || PyDict_Update(all, names->locals) < 0)
        return NULL;
    return PyEval_EvalCode(code, all, names->locals);
}
