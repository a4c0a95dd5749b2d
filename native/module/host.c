/* struct bs_host over a Python object: every callback is one method call. */
#include "module/module.h"

#include <stdio.h>
#include <string.h>

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
    _cleanup_py_text_ struct bs_py_text path = {}, build_id = {};
    struct bs_module module = {};
    if (!is_tuple_of(item, 4, "modules") || !bs_py_text_init(PyTuple_GetItem(item, 0), &path) ||
        !take_u64(PyTuple_GetItem(item, 1), &module.start_addr) ||
        !take_u64(PyTuple_GetItem(item, 2), &module.end_addr) ||
        !bs_py_text_init(PyTuple_GetItem(item, 3), &build_id))
        return -1;
    module.path = path.data ? path.data : "";
    module.build_id = build_id.data;
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

/* glibc has further names for its own use of some functions, and debuggers differ in which of the
   names of one address they tell. */
static const char *plain_name(const char *name) {
    static const char internal[] = "__GI_";
    size_t length = sizeof(internal) - 1;
    return name && !strncmp(name, internal, length) ? name + length : name;
}

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
    symbol.function = plain_name(function.data);
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

static struct bs_error *host_write(void *arg, const char *data, size_t length,
                                   const struct bs_span *spans, size_t span_count, bool no_color) {
    const struct bs_paint *paint = &((struct bs_module_host *)arg)->paint;
    _cleanup_buffer_ struct bs_buffer painted = BS_BUFFER_INIT;
    if (paint->any && !no_color) {
        bs_paint_text(paint, data, length, spans, span_count, &painted);
        if (painted.error)
            return bs_take(painted.error);
        data = painted.data;
        length = painted.length;
    }
    _cleanup_decref_ PyObject *text = bs_py_text_from(data, length);
    if (!text)
        return bs_error_from_python();
    return done(PyObject_CallMethod(object_of(arg), "write", "O", text));
}

/* Past the debugger's own streams, which would count it as a line for their pager. */
static void host_progress(void *arg, const char *text) {
    struct bs_module_host *module_host = arg;
    if (!module_host->draws_progress || (!*text && !module_host->progress_drawn))
        return;
    dprintf(STDERR_FILENO, "\r%s\033[K", text);
    module_host->progress_drawn = *text;
}

static bool draws_progress(PyObject *object) {
    const char *term = getenv("TERM");
    if (!isatty(STDERR_FILENO) || !term || !strcmp(term, "dumb"))
        return false;
    _cleanup_decref_ PyObject *wanted = PyObject_GetAttrString(object, "progress");
    int truth = wanted ? PyObject_IsTrue(wanted) : 0;
    PyErr_Clear();
    return truth > 0;
}

void bs_module_host_init(PyObject *object, struct bs_module_host *ret) {
    *ret = (struct bs_module_host){
        .object = object,
        .draws_progress = draws_progress(object),
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
    bs_paint_init(object, &ret->paint);
}

void bs_module_host_deinit(struct bs_module_host *module_host) {
    bs_paint_deinit(&module_host->paint);
}
