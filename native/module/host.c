/* struct bs_host over a Python object: every callback is one method call. */
#include "module/module.h"

#include <string.h>

/* In the order of enum bs_style. */
static const char *const style_names[BS_STYLE_COUNT] = {
    [BS_STYLE_PLAIN] = "plain",       [BS_STYLE_TITLE] = "title",
    [BS_STYLE_FUNCTION] = "function", [BS_STYLE_FILE] = "file",
    [BS_STYLE_VARIABLE] = "variable", [BS_STYLE_ADDRESS] = "address",
    [BS_STYLE_OPCODE] = "opcode",     [BS_STYLE_SOURCE] = "source",
    [BS_STYLE_TIME] = "time",         [BS_STYLE_HOT] = "hot",
    [BS_STYLE_DIM] = "dim",           [BS_STYLE_ERROR] = "error",
};

static PyObject *object_of(void *arg) {
    return ((struct bs_module_host *)arg)->object;
}

/* The end of a callback that needs nothing but success: takes over @p result. */
static struct bs_error *done(PyObject *result) {
    if (!result)
        return bs_error_from_python();
    Py_DECREF(result);
    return NULL;
}

/* An int as 64 bits, None as 0; false leaves an exception. */
static bool take_u64(PyObject *number, uint64_t *ret) {
    *ret = 0;
    if (number == Py_None)
        return true;
    *ret = PyLong_AsUnsignedLongLongMask(number);
    return !PyErr_Occurred();
}

static bool take_int(PyObject *number, int *ret) {
    long value = PyLong_AsLong(number);
    if (PyErr_Occurred())
        return false;
    *ret = (int)value;
    return true;
}

/* Check that @p item is a tuple of @p count. */
static bool is_tuple_of(PyObject *item, Py_ssize_t count, const char *method) {
    if (PyTuple_Check(item) && PyTuple_Size(item) == count)
        return true;
    PyErr_Format(PyExc_TypeError, "%s() of the host must give tuples of %zd", method, count);
    return false;
}

/*
 * Call @p method with @p method_arg (NULL: none) and hand each item of its result to @p fn, which
 * returns 1 to go on, 0 to stop, -1 with an exception pending.
 */
static struct bs_error *each(void *arg, const char *method, PyObject *method_arg,
                             int (*fn)(void *fn_arg, PyObject *item), void *fn_arg) {
    _cleanup_decref_ PyObject *result =
        method_arg ? PyObject_CallMethod(object_of(arg), method, "O", method_arg)
                   : PyObject_CallMethod(object_of(arg), method, NULL);
    _cleanup_decref_ PyObject *items = result ? PyObject_GetIter(result) : NULL;
    int go_on = items ? 1 : -1;
    while (go_on > 0) {
        _cleanup_decref_ PyObject *item = PyIter_Next(items);
        if (!item) {
            go_on = PyErr_Occurred() ? -1 : 0;
            break;
        }
        go_on = fn(fn_arg, item);
    }
    return go_on < 0 ? bs_error_from_python() : NULL;
}

static struct bs_error *host_read(void *arg, uint64_t addr, void *ret, size_t length) {
    char *data;
    Py_ssize_t got;
    _cleanup_decref_ PyObject *result = PyObject_CallMethod(
        object_of(arg), "read", "Kn", (unsigned long long)addr, (Py_ssize_t)length);
    if (!result) {
        struct bs_error *error = bs_error_from_python();
        if (error->code == BS_ERROR_INTERRUPTED || error->code == BS_ERROR_NO_MEMORY)
            return error;
        bs_error_destroy(error);
        return bs_error_fault(addr, "memory");
    }
    if (PyBytes_AsStringAndSize(result, &data, &got))
        return bs_error_from_python();
    if ((size_t)got != length)
        return bs_error_fault(addr, "memory");
    memcpy(ret, data, length);
    return NULL;
}

static struct bs_error *host_lookup(void *arg, const char *name, uint64_t *ret_addr) {
    _cleanup_decref_ PyObject *result = PyObject_CallMethod(object_of(arg), "lookup", "s", name);
    uint64_t addr;
    if (!result || !take_u64(result, &addr))
        return bs_error_from_python();
    *ret_addr = addr;
    return NULL;
}

struct module_call {
    bs_module_fn fn;
    void *arg;
};

static int give_module(void *arg, PyObject *item) {
    const struct module_call *call = arg;
    _cleanup_py_text_ struct bs_py_text path = {};
    struct bs_module module = {};
    if (!is_tuple_of(item, 3, "modules") || !bs_py_text_init(PyTuple_GetItem(item, 0), &path) ||
        !take_u64(PyTuple_GetItem(item, 1), &module.start_addr) ||
        !take_u64(PyTuple_GetItem(item, 2), &module.end_addr))
        return -1;
    module.path = path.data ? path.data : "";
    return call->fn(call->arg, &module);
}

static struct bs_error *host_modules(void *arg, bs_module_fn fn, void *fn_arg) {
    struct module_call call = {.fn = fn, .arg = fn_arg};
    return each(arg, "modules", NULL, give_module, &call);
}

static struct bs_error *host_write_memory(void *arg, uint64_t addr, const void *data,
                                          size_t length) {
    return done(PyObject_CallMethod(object_of(arg), "write_memory", "Ky#", (unsigned long long)addr,
                                    (const char *)data, (Py_ssize_t)length));
}

static bool take_kind(PyObject *object, enum bs_host_kind *ret) {
    static const char *const names[] = {
        [BS_HOST_NOTHING] = "nothing",
        [BS_HOST_LIVE] = "live",
        [BS_HOST_REMOTE] = "remote",
        [BS_HOST_CORE] = "core",
    };
    _cleanup_py_text_ struct bs_py_text kind = {};
    if (!bs_py_text_init(object, &kind))
        return false;
    for (size_t i = 0; kind.data && i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcmp(kind.data, names[i])) {
            *ret = (enum bs_host_kind)i;
            return true;
        }
    }
    PyErr_Format(PyExc_ValueError, "state() of the host gave the kind %R", object);
    return false;
}

static struct bs_error *host_state(void *arg, struct bs_host_state *ret) {
    _cleanup_decref_ PyObject *result = PyObject_CallMethod(object_of(arg), "state", NULL);
    struct bs_host_state state = {};
    int level;
    if (!result || !is_tuple_of(result, 4, "state") ||
        !take_kind(PyTuple_GetItem(result, 0), &state.kind) ||
        !take_int(PyTuple_GetItem(result, 1), &state.pid) ||
        !take_int(PyTuple_GetItem(result, 2), &state.selected_tid) ||
        !take_int(PyTuple_GetItem(result, 3), &level))
        return bs_error_from_python();
    state.selected_level = level < 0 ? 0 : (unsigned int)level;
    *ret = state;
    return NULL;
}

struct thread_call {
    bs_thread_fn fn;
    void *arg;
};

static int give_thread(void *arg, PyObject *item) {
    const struct thread_call *call = arg;
    int tid;
    return take_int(item, &tid) ? call->fn(call->arg, tid) : -1;
}

static struct bs_error *host_threads(void *arg, bs_thread_fn fn, void *fn_arg) {
    struct thread_call call = {.fn = fn, .arg = fn_arg};
    return each(arg, "threads", NULL, give_thread, &call);
}

struct frame_call {
    bs_native_frame_fn fn;
    void *arg;
};

static int give_frame(void *arg, PyObject *item) {
    const struct frame_call *call = arg;
    struct bs_native_frame frame;
    if (!is_tuple_of(item, 2, "walk") || !take_u64(PyTuple_GetItem(item, 0), &frame.pc_addr) ||
        !take_u64(PyTuple_GetItem(item, 1), &frame.cfa_addr))
        return -1;
    return call->fn(call->arg, &frame);
}

static struct bs_error *host_walk(void *arg, int tid, bs_native_frame_fn fn, void *fn_arg) {
    struct frame_call call = {.fn = fn, .arg = fn_arg};
    _cleanup_decref_ PyObject *number = PyLong_FromLong(tid);
    return number ? each(arg, "walk", number, give_frame, &call) : bs_error_from_python();
}

struct symbol_call {
    bs_symbol_fn fn;
    void *arg;
    bool called;
};

static int give_symbol(void *arg, PyObject *item) {
    struct symbol_call *call = arg;
    _cleanup_py_text_ struct bs_py_text function = {}, file = {}, module = {};
    uint64_t line;
    struct bs_symbol_info symbol = {};
    if (!is_tuple_of(item, 5, "describe") ||
        !bs_py_text_init(PyTuple_GetItem(item, 0), &function) ||
        !bs_py_text_init(PyTuple_GetItem(item, 1), &file) ||
        !take_u64(PyTuple_GetItem(item, 2), &line) ||
        !bs_py_text_init(PyTuple_GetItem(item, 3), &module) ||
        !take_u64(PyTuple_GetItem(item, 4), &symbol.offset_bytes))
        return -1;
    symbol.function = function.data;
    symbol.file = file.data;
    symbol.module = module.data;
    symbol.line = (uint32_t)line;
    call->called = true;
    return call->fn(call->arg, &symbol);
}

static struct bs_error *host_describe(void *arg, uint64_t addr, bs_symbol_fn fn, void *fn_arg) {
    struct symbol_call call = {.fn = fn, .arg = fn_arg};
    _cleanup_decref_ PyObject *number = PyLong_FromUnsignedLongLong(addr);
    if (!number)
        return bs_error_from_python();
    struct bs_error *error = each(arg, "describe", number, give_symbol, &call);
    if (!error && !call.called) /* host.h promises one */
        fn(fn_arg, &(struct bs_symbol_info){});
    return error;
}

static struct bs_error *host_call(void *arg, int tid, uint64_t function_addr, const uint64_t *args,
                                  size_t arg_count, uint32_t flags, uint64_t *ret) {
    uint64_t value;
    _cleanup_decref_ PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < arg_count; i++) {
        _cleanup_decref_ PyObject *number = PyLong_FromUnsignedLongLong(args[i]);
        if (!number || PyList_Append(list, number))
            return bs_error_from_python();
    }
    _cleanup_decref_ PyObject *result =
        list ? PyObject_CallMethod(object_of(arg), "call", "iKOI", tid,
                                   (unsigned long long)function_addr, list, (unsigned int)flags)
             : NULL;
    if (!result || !take_u64(result, &value))
        return bs_error_from_python();
    *ret = value;
    return NULL;
}

/* For callbacks that return no error: a Ctrl-C is kept for interrupted(), the rest forgotten. */
static void note_exception(struct bs_module_host *module_host) {
    struct bs_error *error = bs_error_from_python();
    module_host->interrupted |= error->code == BS_ERROR_INTERRUPTED;
    bs_error_destroy(error);
}

static bool host_interrupted(void *arg) {
    struct bs_module_host *module_host = arg;
    if (module_host->interrupted)
        return true;
    _cleanup_decref_ PyObject *result =
        PyObject_CallMethod(module_host->object, "interrupted", NULL);
    int truth = result ? PyObject_IsTrue(result) : -1;
    if (truth < 0)
        note_exception(module_host);
    else
        module_host->interrupted = truth > 0;
    return module_host->interrupted;
}

/* (start in characters, style name): there are millions of them in a long listing. */
static PyObject *make_span(size_t start, enum bs_style style) {
    PyObject *span = PyTuple_New(2), *number = PyLong_FromSize_t(start);
    PyObject *name = PyUnicode_InternFromString(style_names[style]);
    if (!span || !number || !name) {
        Py_XDECREF(span);
        Py_XDECREF(number);
        Py_XDECREF(name);
        return NULL;
    }
    PyTuple_SetItem(span, 0, number);
    PyTuple_SetItem(span, 1, name);
    return span;
}

/*
 * [(start in characters, style name)]. Where bytes that are no UTF-8 were replaced, characters of
 * @p text cannot be counted by bytes, and it stays plain.
 */
static PyObject *make_spans(PyObject *text, const char *data, size_t length,
                            const struct bs_span *spans, size_t span_count) {
    size_t at_bytes = 0, at_chars = 0;
    if (span_count && (size_t)PyUnicode_GetLength(text) != bs_text_columns(data, length))
        span_count = 0;
    PyObject *list = PyList_New((Py_ssize_t)span_count);
    for (size_t i = 0; list && i < span_count; i++) {
        size_t start = spans[i].start_bytes < length ? spans[i].start_bytes : length;
        at_chars += bs_text_columns(data + at_bytes, start - at_bytes);
        at_bytes = start;
        PyObject *span = make_span(at_chars, spans[i].style);
        if (!span) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SetItem(list, (Py_ssize_t)i, span); /* which takes it over */
    }
    return list;
}

static struct bs_error *host_write(void *arg, const char *data, size_t length,
                                   const struct bs_span *spans, size_t span_count, bool no_color) {
    bool plain = no_color || ((struct bs_module_host *)arg)->plain;
    _cleanup_decref_ PyObject *text = bs_py_text_from(data, length);
    _cleanup_decref_ PyObject *list =
        text ? make_spans(text, data, length, spans, plain ? 0 : span_count) : NULL;
    if (!list)
        return bs_error_from_python();
    return done(PyObject_CallMethod(object_of(arg), "write", "OOO", text, list,
                                    no_color ? Py_True : Py_False));
}

static void host_progress(void *arg, const char *text) {
    _cleanup_decref_ PyObject *result = PyObject_CallMethod(object_of(arg), "progress", "s", text);
    if (!result)
        note_exception(arg);
}

static bool is_plain(PyObject *object) {
    _cleanup_decref_ PyObject *plain = PyObject_GetAttrString(object, "plain");
    int truth = plain ? PyObject_IsTrue(plain) : 0;
    PyErr_Clear();
    return truth > 0;
}

void bs_module_host_init(PyObject *object, struct bs_module_host *ret) {
    *ret = (struct bs_module_host){
        .object = object,
        .plain = is_plain(object),
        .host =
            {
                .arg = ret,
                .target =
                    {
                        .arg = ret,
                        .read = host_read,
                        .lookup = host_lookup,
                        .modules = host_modules,
                    },
                .write_memory = host_write_memory,
                .state = host_state,
                .threads = host_threads,
                .walk = host_walk,
                .describe = host_describe,
                .call = host_call,
                .interrupted = host_interrupted,
                .write = host_write,
                .progress = host_progress,
            },
    };
}
