#include "agent/settrace.h"

#include <string.h>

static struct {
    trace_fn *fn;                        /* NULL: not installed */
    PyInterpreterState *interpreter;     /* whose objects these are */
    PyObject *marker;                    /* what sys.gettrace() gives while ours is installed */
    PyObject *restart_events;            /* sys.monitoring.restart_events; NULL before 3.12 */
    PyObject *gettrace;                  /* sys.gettrace */
    PyObject *f_trace, *f_trace_opcodes; /* attribute names */
    PyObject *kept;                      /* what frames had before: (frame, f_trace, opcodes) */
    PyObject *yes, *no;                  /* True, False: for the call event, nothing is looked up */
    bool displaced;
} hook;

/*
 * 3.10 has no PyFrame_GetLasti. Where f_lasti is there (Include/cpython/frameobject.h), an int that
 * counts code units; bs_settrace_init() compares it with the attribute of a live frame.
 */
#define F_LASTI_OFFSET_3_10 96

/* No exception may be set. */
static bool is_installed(void) {
    _object_ current = PyObject_CallNoArgs(hook.gettrace);
    PyErr_Clear();
    return current == hook.marker;
}

/* `what` of a C trace function for the name that a Python one is given. */
static int what_of(const char *name) {
    static const struct {
        const char *name;
        int what;
    } events[] = {{"call", TRACE_CALL},
                  {"line", TRACE_LINE},
                  {"return", TRACE_RETURN},
                  {"exception", TRACE_EXCEPTION},
                  {"opcode", TRACE_OPCODE}};
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (!strcmp(events[i].name, name))
            return events[i].what;
    }
    return -1;
}

/*
 * The marker is called as a Python trace function in two cases. The program took it from
 * sys.gettrace() and has put it back with sys.settrace(), which would now run it in place of `fn`:
 * then `fn` is installed again and gets this event. Or the program traces with a function of its
 * own and comes to a frame whose f_trace is still the marker: then nothing happens. Nor does it in
 * another interpreter, which has kept a marker of its own from a run there. Python leaves f_trace
 * as it is when None is returned.
 */
static PyObject *marker_call(PyObject *self, PyObject *args) {
    PyObject *frame, *arg;
    const char *event;
    if (!PyArg_ParseTuple(args, "OsO", &frame, &event, &arg))
        return NULL;
    if (hook.fn && hook.interpreter == PyInterpreterState_Get() && is_installed()) {
        hook.displaced = true;
        bs_python.PyEval_SetTrace(hook.fn, hook.marker);
        int what = what_of(event);
        if (what >= 0)
            hook.fn(hook.marker, (PyFrameObject *)frame, what, arg);
    }
    return bs_ref(Py_None);
}

static PyMethodDef marker_method = {"bytesight", marker_call, METH_VARARGS, NULL};

/* Whether bs_frame_units() gives what the frame itself says. */
static bool lasti_is_right(void) {
    PyFrameObject *frame = PyEval_GetFrame();
    return frame &&
           bs_frame_units(frame) * 2 == bs_number_attr((PyObject *)frame, "f_lasti", UINT32_MAX);
}

bool bs_settrace_init(void) {
    hook.interpreter = PyInterpreterState_Get();
    hook.marker = PyCFunction_NewEx(&marker_method, NULL, NULL);
    PyObject *monitoring = PySys_GetObject("monitoring"); /* borrowed */
    hook.restart_events = monitoring ? PyObject_GetAttrString(monitoring, "restart_events") : NULL;
    PyErr_Clear();
    hook.gettrace = bs_module_attr("sys", "gettrace");
    hook.f_trace = PyUnicode_InternFromString("f_trace");
    hook.f_trace_opcodes = PyUnicode_InternFromString("f_trace_opcodes");
    hook.yes = PyBool_FromLong(1);
    hook.no = PyBool_FromLong(0);
    hook.kept = PyList_New(0);
    if (!hook.marker || !hook.kept || !hook.gettrace || !hook.f_trace || !hook.f_trace_opcodes) {
        bs_settrace_deinit();
        return false;
    }
    if (!lasti_is_right()) {
        bs_settrace_deinit();
        PyErr_SetString(PyExc_RuntimeError, "frames of this Python are not laid out as expected");
        return false;
    }
    return true;
}

void bs_settrace_deinit(void) {
    PyObject **const owned[] = {&hook.kept,     &hook.marker,  &hook.restart_events,
                                &hook.gettrace, &hook.f_trace, &hook.f_trace_opcodes,
                                &hook.yes,      &hook.no};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
        bs_set(owned[i], NULL);
}

static void set_attr(PyFrameObject *frame, PyObject *name, PyObject *value) {
    if (PyObject_SetAttr((PyObject *)frame, name, value) < 0)
        PyErr_Clear();
}

void bs_settrace_on(trace_fn *fn) {
    PyFrameObject *calling = PyEval_GetFrame();
    if (hook.restart_events) {
        _object_ none = PyObject_CallNoArgs(hook.restart_events);
        PyErr_Clear();
    }
    if (calling)
        set_attr(calling, hook.f_trace_opcodes, hook.yes);
    hook.fn = fn;
    hook.displaced = false;
    bs_python.PyEval_SetTrace(fn, hook.marker);
}

void bs_settrace_off(void) {
    struct pending pending = bs_pending_save();
    hook.displaced = bs_settrace_displaced();
    hook.fn = NULL;
    bs_python.PyEval_SetTrace(NULL, NULL);
    bs_pending_restore(&pending);
}

void bs_settrace_abandon(void) {
    hook.fn = NULL;
    hook.displaced = false;
}

bool bs_settrace_displaced(void) {
    return hook.displaced || (hook.fn && !is_installed());
}

/* Most frames have nothing, and nothing is kept of them. */
static void keep(PyFrameObject *frame) {
    _object_ f_trace = PyObject_GetAttr((PyObject *)frame, hook.f_trace);
    if (f_trace && f_trace != Py_None) {
        _object_ opcodes = PyObject_GetAttr((PyObject *)frame, hook.f_trace_opcodes);
        _object_ entry = opcodes ? PyTuple_Pack(3, frame, f_trace, opcodes) : NULL;
        if (entry)
            PyList_Append(hook.kept, entry);
    }
    PyErr_Clear();
}

/* What was kept of @p frame, which is the last that was entered; NULL: nothing. */
static PyObject *take_kept(PyFrameObject *frame) {
    Py_ssize_t count = PyList_Size(hook.kept);
    _object_ entry = count > 0 ? bs_ref(PyList_GetItem(hook.kept, count - 1)) : NULL;
    if (!entry || PyTuple_GetItem(entry, 0) != (PyObject *)frame)
        return NULL;
    PyList_SetSlice(hook.kept, count - 1, count, NULL);
    return bs_give(&entry);
}

void bs_settrace_arm(PyFrameObject *frame, bool leave_as_it_was) {
    if (leave_as_it_was)
        keep(frame);
    set_attr(frame, hook.f_trace, hook.marker);
    set_attr(frame, hook.f_trace_opcodes, hook.yes);
}

void bs_settrace_disarm(PyFrameObject *frame) {
    struct pending pending = bs_pending_save();
    _object_ kept = take_kept(frame);
    set_attr(frame, hook.f_trace_opcodes, hook.no);
    set_attr(frame, hook.f_trace, kept ? PyTuple_GetItem(kept, 1) : Py_None);
    if (kept)
        set_attr(frame, hook.f_trace_opcodes, PyTuple_GetItem(kept, 2));
    bs_pending_restore(&pending);
}

uint32_t bs_frame_units(PyFrameObject *frame) {
    if (bs_python.PyFrame_GetLasti)
        return (uint32_t)bs_python.PyFrame_GetLasti(frame) / 2;
    int units;
    memcpy(&units, (const char *)frame + F_LASTI_OFFSET_3_10, sizeof(units));
    return (uint32_t)units;
}
