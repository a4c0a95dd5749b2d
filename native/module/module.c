/* The surface of _bytesight. */
#include "module/module.h"

#include "command/complete.h"
#include "command/stack.h"
#include "core/decode.h"

#include <string.h>

struct module_state {
    PyObject *error_type;
    struct bs_session *session;
};

static struct module_state *state_of(PyObject *module) {
    return PyModule_GetState(module);
}

static PyObject *raise(PyObject *module, struct bs_error *error) {
    return bs_error_to_python(error, state_of(module)->error_type);
}

/* The buffer's text as str, or its error raised. */
static PyObject *finish_text(PyObject *module, struct bs_error *error, struct bs_buffer *buffer) {
    if (!error)
        error = bs_buffer_status(buffer);
    return error ? raise(module, error) : bs_py_text_from(buffer->data, buffer->length);
}

static PyObject *module_run(PyObject *module, PyObject *args) {
    PyObject *object, *line;
    _cleanup_module_host_ struct bs_module_host host = {};
    _cleanup_py_text_ struct bs_py_text text = {};
    if (!PyArg_ParseTuple(args, "OU:run", &object, &line) || !bs_py_text_init(line, &text))
        return NULL;
    bs_module_host_init(object, &host);
    struct bs_error *error = bs_session_run(state_of(module)->session, &host.host, text.data);
    if (!error && host.interrupted) /* too late to stop anything, but not to be swallowed */
        error = &bs_interrupted;
    if (error)
        return raise(module, error);
    Py_RETURN_NONE;
}

static void add_candidate(void *arg, const char *word) {
    PyObject *list = arg;
    _cleanup_decref_ PyObject *text = bs_py_text_from(word, strlen(word));
    if (!text || PyList_Append(list, text))
        PyErr_Clear(); /* one candidate less */
}

static PyObject *module_complete(PyObject *module, PyObject *args) {
    PyObject *object, *line;
    _cleanup_module_host_ struct bs_module_host host = {};
    _cleanup_py_text_ struct bs_py_text text = {};
    if (!PyArg_ParseTuple(args, "OU:complete", &object, &line) || !bs_py_text_init(line, &text))
        return NULL;
    PyObject *list = PyList_New(0);
    if (!list)
        return NULL;
    bs_module_host_init(object, &host);
    bs_complete(state_of(module)->session, &host.host, text.data, add_candidate, list);
    return list;
}

static PyObject *module_help(PyObject *module, PyObject *args) {
    PyObject *verb;
    _cleanup_py_text_ struct bs_py_text text = {};
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    if (!PyArg_ParseTuple(args, "U:help", &verb) || !bs_py_text_init(verb, &text))
        return NULL;
    return finish_text(module, bs_session_help(state_of(module)->session, text.data, &buffer),
                       &buffer);
}

/* Append @p item, which is taken over, to @p *list; on failure *list becomes NULL. */
static void append(PyObject **list, PyObject *item) {
    if (*list && (!item || PyList_Append(*list, item))) {
        Py_DECREF(*list);
        *list = NULL;
    }
    Py_XDECREF(item);
}

/* A number, or None where it is @p none. */
static PyObject *number_or_none(size_t number, size_t none) {
    if (number != none)
        return PyLong_FromSize_t(number);
    Py_INCREF(Py_None);
    return Py_None;
}

static bool add_frame(void *arg, const struct bs_stack_frame *frame) {
    PyObject **list = arg;
    append(list,
           Py_BuildValue("(NNNNN)", number_or_none(frame->level, SIZE_MAX),
                         bs_py_text_clean(frame->function), bs_py_text_clean(frame->file),
                         number_or_none(frame->line, BS_NO_LINE), bs_py_text_clean(frame->opcode)));
    return *list;
}

static PyObject *module_frames(PyObject *module, PyObject *args) {
    PyObject *object;
    int tid;
    _cleanup_module_host_ struct bs_module_host host = {};
    if (!PyArg_ParseTuple(args, "Oi:frames", &object, &tid))
        return NULL;
    bs_module_host_init(object, &host);
    PyObject *list = PyList_New(0);
    struct bs_error *error = list ? bs_stack_python(&host.host, tid, add_frame, &list) : NULL;
    if (error) {
        Py_CLEAR(list);
        return raise(module, error);
    }
    return list;
}

static PyObject *module_verbs(PyObject *module, PyObject *unused) {
    size_t rows;
    const struct bs_verb *verbs = bs_verb_table(&rows);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; i < rows && list; i++)
        append(&list, Py_BuildValue("(ss)", verbs[i].name, verbs[i].summary));
    return list;
}

static PyObject *option_kind(const struct bs_option *option) {
    switch (option->kind) {
    case BS_OPTION_BOOL:
        return PyUnicode_FromString("bool");
    case BS_OPTION_COUNT:
        return PyUnicode_FromString("int");
    case BS_OPTION_SECONDS:
        return PyUnicode_FromString("seconds");
    case BS_OPTION_CHOICE:
        return PyUnicode_FromFormat("enum:%s", option->choices);
    case BS_OPTION_RANGE:
    case BS_OPTION_FILE:
        break;
    }
    return PyUnicode_FromString("string");
}

static PyObject *module_options(PyObject *module, PyObject *unused) {
    size_t rows;
    const struct bs_option *options = bs_option_table(&rows);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; i < rows && list; i++) {
        if (options[i].settable)
            append(&list, Py_BuildValue("(sNss)", options[i].name, option_kind(&options[i]),
                                        options[i].fallback, options[i].doc));
    }
    return list;
}

static PyObject *module_get(PyObject *module, PyObject *args) {
    PyObject *name;
    _cleanup_py_text_ struct bs_py_text text = {};
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    if (!PyArg_ParseTuple(args, "U:get", &name) || !bs_py_text_init(name, &text))
        return NULL;
    return finish_text(module, bs_session_get(state_of(module)->session, text.data, &buffer),
                       &buffer);
}

static PyObject *module_set(PyObject *module, PyObject *args) {
    PyObject *name, *value;
    _cleanup_py_text_ struct bs_py_text name_text = {}, value_text = {};
    if (!PyArg_ParseTuple(args, "UU:set", &name, &value) || !bs_py_text_init(name, &name_text) ||
        !bs_py_text_init(value, &value_text))
        return NULL;
    struct bs_error *error =
        bs_session_set(state_of(module)->session, name_text.data, value_text.data);
    if (error)
        return raise(module, error);
    Py_RETURN_NONE;
}

/* A called function went wrong, or the user pressed Ctrl-C. */
static const char *const call_signals[] = {"SIGINT", "SIGTRAP", "SIGILL",  "SIGABRT",
                                           "SIGFPE", "SIGBUS",  "SIGSEGV", "SIGSYS"};

static int add_constants(PyObject *module) {
    Py_ssize_t count = sizeof(call_signals) / sizeof(call_signals[0]);
    PyObject *names = PyTuple_New(count);
    for (Py_ssize_t i = 0; names && i < count; i++) {
        PyObject *name = PyUnicode_FromString(call_signals[i]);
        if (!name)
            Py_CLEAR(names);
        else
            PyTuple_SetItem(names, i, name); /* which takes it over */
    }
    if (!names || PyModule_AddObject(module, "CALL_SIGNALS", names)) {
        Py_XDECREF(names);
        return -1;
    }
    static const struct {
        const char *name;
        long value;
    } numbers[] = {
        {"CALL_ALL_THREADS", BS_CALL_ALL_THREADS},
        {"CALL_MAY_WAIT", BS_CALL_MAY_WAIT},
        {"CALL_PASS_INTERRUPT", BS_CALL_PASS_INTERRUPT},
        {"CALL_ALONE_MS", BS_CALL_ALONE_MS},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (PyModule_AddIntConstant(module, numbers[i].name, numbers[i].value))
            return -1;
    }
    return 0;
}

static int module_exec(PyObject *module) {
    struct module_state *state = state_of(module);
    state->error_type = PyErr_NewExceptionWithDoc(
        "_bytesight.Error", "A command failed; its only argument is the sentence.", NULL, NULL);
    if (!state->error_type)
        return -1;
    struct bs_error *error = bs_session_create(NULL, &state->session);
    if (error) {
        raise(module, error);
        return -1;
    }
    Py_INCREF(state->error_type);
    if (PyModule_AddObject(module, "Error", state->error_type)) {
        Py_DECREF(state->error_type);
        return -1;
    }
    return add_constants(module);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    struct module_state *state = state_of(module);
    if (state)
        Py_VISIT(state->error_type);
    return 0;
}

static int module_clear(PyObject *module) {
    struct module_state *state = state_of(module);
    if (state)
        Py_CLEAR(state->error_type);
    return 0;
}

static void module_free(void *module) {
    struct module_state *state = state_of(module);
    module_clear(module);
    if (state)
        bs_session_destroy(bs_take(state->session));
}

static PyMethodDef methods[] = {
    {"run", module_run, METH_VARARGS, "run(host, line)\n--\n\nRun one command line."},
    {"complete", module_complete, METH_VARARGS,
     "complete(host, line)\n--\n\nWords to stand in place of what follows the last blank."},
    {"help", module_help, METH_VARARGS,
     "help(verb)\n--\n\nThe help of a verb, of bytesight itself for \"\"."},
    {"frames", module_frames, METH_VARARGS,
     "frames(host, tid)\n--\n\n[(level, function, file, line, opcode)] of Python frames."},
    {"verbs", module_verbs, METH_NOARGS, "verbs()\n--\n\n[(name, one line)]"},
    {"options", module_options, METH_NOARGS,
     "options()\n--\n\n[(name, kind, default, doc)] of what can be set."},
    {"get", module_get, METH_VARARGS, "get(name)\n--\n\nThe value of a setting."},
    {"set", module_set, METH_VARARGS, "set(name, text)\n--\n\nSet a setting."},
    {"pass_interrupts", bs_module_pass_interrupts, METH_VARARGS,
     "pass_interrupts(pid)\n--\n\nHand each Ctrl-C to this process, until called with 0."},
    {"waiting_signals", bs_module_waiting_signals, METH_VARARGS,
     "waiting_signals(tid, or_thread)\n--\n\n[number] of those that wait for the process of a thread "
     "of this machine, and for the thread alone, too; without those that nobody may send again."},
    {"interrupt_after", bs_module_interrupt_after, METH_VARARGS,
     "interrupt_after(milliseconds)\n--\n\nSend this debugger a Ctrl-C then, 0: none any more; "
     "whether an earlier one has come."},
    {},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)module_exec},
    {},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_bytesight",
    .m_doc = "Trace and time Python bytecode from a debugger. See native/module/module.h.",
    .m_size = sizeof(struct module_state),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__bytesight(void);

__attribute__((visibility("default"))) PyMODINIT_FUNC PyInit__bytesight(void) {
    return PyModuleDef_Init(&definition);
}
