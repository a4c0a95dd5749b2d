#include "agent/aside.h"

#include <string.h>

/*
 * There is no way to ask for the C function behind a trace function. It is in the thread state,
 * before this many bytes (Include/cpython/pystate.h, c_tracefunc): found by looking where ours
 * goes.
 */
#define STATE_BYTES 256

typedef void set_hook(trace_fn *fn, PyObject *object);

static int ignore_event(PyObject *self, PyFrameObject *frame, int what, PyObject *arg) {
    return 0;
}

/* The function that is installed by @p set with @p object; NULL: none, or it cannot be found. */
static trace_fn *current_function(set_hook *set, PyObject *object) {
    trace_fn *ours = ignore_event, *found = NULL;
    unsigned char before[STATE_BYTES], after[STATE_BYTES];
    const PyThreadState *state = PyThreadState_Get();
    memcpy(before, state, sizeof(before));
    set(ours, object);
    memcpy(after, state, sizeof(after));
    for (size_t at = 0; at + sizeof(ours) <= sizeof(after); at += sizeof(ours)) {
        if (!memcmp(after + at, &ours, sizeof(ours)))
            memcpy(&found, before + at, sizeof(found));
    }
    return found;
}

/* A function in C may have been installed with no object: then sys has nothing to give. */
static void put_hook(struct aside_hook *hook, set_hook *set, const char *get_name) {
    _object_ get = bs_module_attr("sys", get_name);
    _object_ object = get ? PyObject_CallNoArgs(get) : NULL;
    PyErr_Clear();
    if (object == Py_None)
        bs_set(&object, NULL);
    hook->fn = current_function(set, object);
    hook->object = bs_give(&object);
    set(NULL, NULL);
}

static void restore_hook(struct aside_hook *hook, set_hook *set, const char *set_name) {
    if (hook->fn) {
        set(hook->fn, hook->object);
    } else if (hook->object) {
        _object_ python_set = bs_module_attr("sys", set_name);
        _object_ none =
            python_set ? PyObject_CallFunctionObjArgs(python_set, hook->object, NULL) : NULL;
        PyErr_Clear();
    }
    bs_set(&hook->object, NULL);
}

/* sys.monitoring, or NULL before 3.12. */
static PyObject *monitoring(void) {
    PyObject *module = PySys_GetObject("monitoring"); /* borrowed */
    return module ? bs_ref(module) : NULL;
}

/* The single events of sys.monitoring.events: a new list of numbers, each one bit. */
static PyObject *single_events(PyObject *module) {
    _object_ events = PyObject_GetAttrString(module, "events");
    _object_ names = events ? PyObject_GetAttrString(events, "__dict__") : NULL;
    _object_ list = PyList_New(0);
    PyObject *name, *value;
    Py_ssize_t position = 0;
    while (list && names && PyDict_Check(names) && PyDict_Next(names, &position, &name, &value)) {
        long bits = PyLong_Check(value) ? PyLong_AsLong(value) : 0;
        if (bits && !(bits & (bits - 1)) && PyList_Append(list, value) < 0)
            break;
    }
    PyErr_Clear();
    return bs_give(&list);
}

/* Take the callbacks of @p tool: a new list of (event, callback). */
static PyObject *take_callbacks(PyObject *module, int tool, PyObject *events) {
    _object_ taken = PyList_New(0);
    for (Py_ssize_t i = 0; taken && i < PyList_Size(events); i++) {
        PyObject *event = PyList_GetItem(events, i);
        _object_ callback =
            PyObject_CallMethod(module, "register_callback", "iOO", tool, event, Py_None);
        _object_ pair = callback && callback != Py_None ? PyTuple_Pack(2, event, callback) : NULL;
        if (pair && PyList_Append(taken, pair) < 0)
            break;
        PyErr_Clear();
    }
    PyErr_Clear();
    return bs_give(&taken);
}

#define TOOLS_MAX 6 /* Doc/library/sys.monitoring.rst: tool ids 0 to 5 */

static PyObject *put_tools(void) {
    _object_ module = monitoring();
    _object_ events = module ? single_events(module) : NULL;
    _object_ tools = events ? PyList_New(0) : NULL;
    for (int tool = 0; tools && tool < TOOLS_MAX; tool++) {
        _object_ name = PyObject_CallMethod(module, "get_tool", "i", tool);
        if (!name || name == Py_None)
            continue;
        _object_ active = PyObject_CallMethod(module, "get_events", "i", tool);
        _object_ none = PyObject_CallMethod(module, "set_events", "ii", tool, 0);
        _object_ callbacks = take_callbacks(module, tool, events);
        _object_ entry =
            active && callbacks ? Py_BuildValue("(iOO)", tool, active, callbacks) : NULL;
        if (entry)
            PyList_Append(tools, entry);
        PyErr_Clear();
    }
    PyErr_Clear();
    return bs_give(&tools);
}

static void restore_tool(PyObject *module, PyObject *entry) {
    PyObject *tool = PyTuple_GetItem(entry, 0), *callbacks = PyTuple_GetItem(entry, 2);
    for (Py_ssize_t i = 0; i < PyList_Size(callbacks); i++) {
        PyObject *pair = PyList_GetItem(callbacks, i);
        _object_ old = PyObject_CallMethod(module, "register_callback", "OOO", tool,
                                           PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1));
        PyErr_Clear();
    }
    _object_ none =
        PyObject_CallMethod(module, "set_events", "OO", tool, PyTuple_GetItem(entry, 1));
    PyErr_Clear();
}

static void restore_tools(PyObject *tools) {
    _object_ module = tools ? monitoring() : NULL;
    for (Py_ssize_t i = 0; module && i < PyList_Size(tools); i++)
        restore_tool(module, PyList_GetItem(tools, i));
}

void bs_aside_put(struct aside *aside) {
    aside->collecting = PyGC_Disable();
    put_hook(&aside->trace, bs_python.PyEval_SetTrace, "gettrace");
    put_hook(&aside->profile, bs_python.PyEval_SetProfile, "getprofile");
    aside->tools = put_tools();
}

void bs_aside_restore(struct aside *aside) {
    restore_tools(aside->tools);
    bs_set(&aside->tools, NULL);
    restore_hook(&aside->profile, bs_python.PyEval_SetProfile, "setprofile");
    restore_hook(&aside->trace, bs_python.PyEval_SetTrace, "settrace");
    if (aside->collecting)
        PyGC_Enable();
}

void bs_aside_unwatch(const struct codes *codes) {
    _object_ module = monitoring();
    for (int tool = 0; module && tool < TOOLS_MAX; tool++) {
        _object_ name = PyObject_CallMethod(module, "get_tool", "i", tool);
        for (uint32_t i = 0; name && name != Py_None && i < codes->count; i++) {
            _object_ none = PyObject_CallMethod(module, "set_local_events", "iOi", tool,
                                                codes->entries[i].code, 0);
            PyErr_Clear();
        }
    }
    PyErr_Clear();
}

/* The names of all modules, a new set; NULL: they are not to be had. */
static PyObject *module_names(void) {
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    _object_ names = modules ? PySequence_List(modules) : NULL;
    PyObject *set = names ? PySet_New(names) : NULL;
    PyErr_Clear();
    return set;
}

void bs_modules_import(struct modules *ret) {
    static const char *const used[] = {"_ast", "importlib", "linecache", "tokenize"};
    _object_ before = module_names();
    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
        _object_ module = bs_module(used[i]);
        PyErr_Clear(); /* who uses it says so, or does without */
    }
    ret->known = module_names();
    ret->imported = before && ret->known ? PyNumber_Subtract(ret->known, before) : NULL;
    PyErr_Clear();
}

/* Whether a module is there that was not when ours had been imported. */
static bool has_others(const struct modules *modules) {
    _object_ now = module_names();
    _object_ others = now ? PyNumber_Subtract(now, modules->known) : NULL;
    PyErr_Clear();
    return !others || PySet_Size(others);
}

void bs_modules_restore(struct modules *modules) {
    _object_ names = NULL;
    if (modules->imported && !has_others(modules))
        names = PySequence_List(modules->imported);
    for (Py_ssize_t i = 0; names && i < PyList_Size(names); i++) {
        if (PyDict_DelItem(PyImport_GetModuleDict(), PyList_GetItem(names, i)) < 0)
            PyErr_Clear();
    }
    bs_set(&modules->imported, NULL);
    bs_set(&modules->known, NULL);
    PyErr_Clear();
}
