#include "agent/repr.h"

#include <string.h>

#define SHOWN_BYTES   200
#define DEPTH_MAX     8     /* of containers in containers */
#define INT_BITS_MAX  700   /* 210 digits; more would be cut, and cost quadratic time */
#define ITEMS_MAX     10000 /* of a container whose own repr is taken: some milliseconds */
#define TYPE_NAME_MAX 80

static void render(PyObject *value, struct text *text, int depth);

static void begin(struct text *text) {
    text->length = 0;
    text->limit = SHOWN_BYTES;
    text->cut = false;
}

/* The longest prefix of @p data of at most @p limit bytes that does not split a character. */
static size_t whole_characters(const char *data, size_t limit) {
    while (limit && ((unsigned char)data[limit] & 0xc0) == 0x80)
        limit--;
    return limit;
}

static void append(struct text *text, const char *data, size_t length) {
    if (text->cut)
        return;
    size_t room = text->limit - text->length;
    if (length > room) {
        length = whole_characters(data, room);
        text->cut = true;
    }
    memcpy(text->data + text->length, data, length);
    text->length += length;
    if (text->cut) {
        memcpy(text->data + text->length, "...", 3);
        text->length += 3;
    }
}

static void append_text(struct text *text, const char *data) {
    append(text, data, strlen(data));
}

PyObject *bs_utf8(PyObject *text) {
    return PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
}

/* False and an exception when @p string cannot be had as UTF-8, or is NULL. */
static bool append_string(struct text *text, PyObject *string) {
    /* One character more than can be shown, so that what is longer is cut. */
    _object_ beginning = string ? PyUnicode_Substring(string, 0, SHOWN_BYTES + 1) : NULL;
    _object_ bytes = beginning ? bs_utf8(beginning) : NULL;
    char *data;
    Py_ssize_t length;
    if (!bytes || PyBytes_AsStringAndSize(bytes, &data, &length) < 0)
        return false;
    append(text, data, (size_t)length);
    return true;
}

static void append_type_name(struct text *text, PyObject *type) {
    struct text name;
    begin(&name);
    name.limit = TYPE_NAME_MAX;
    _object_ string = PyObject_GetAttrString(type, "__name__");
    if (!string || !PyUnicode_Check(string) || !append_string(&name, string)) {
        PyErr_Clear();
        append_text(&name, "?");
    }
    append(text, name.data, name.length);
}

/* "<repr of T raised E>", in place of what was rendered from @p start on. */
static void append_failure(struct text *text, size_t start, const char *what, PyObject *value) {
    struct pending pending = bs_pending_save();
    if (text->length != start || text->cut) {
        text->length = start;
        text->cut = false;
    }
    append_text(text, "<");
    append_text(text, what);
    append_text(text, " of ");
    append_type_name(text, (PyObject *)Py_TYPE(value));
    append_text(text, " raised ");
    if (pending.type)
        append_type_name(text, pending.type);
    append_text(text, ">");
    Py_XDECREF(pending.type);
    Py_XDECREF(pending.value);
    Py_XDECREF(pending.traceback);
    PyErr_Clear();
}

static void render_whole(PyObject *value, struct text *text) {
    size_t start = text->length;
    _object_ string = PyObject_Repr(value);
    if (!append_string(text, string))
        append_failure(text, start, "repr", value);
}

/* str, bytes and bytearray: repr of as much of the beginning as can be shown. */
static void render_sequence(PyObject *value, struct text *text) {
    size_t start = text->length;
    Py_ssize_t length = PySequence_Size(value);
    if (length <= SHOWN_BYTES) {
        render_whole(value, text);
        return;
    }
    _object_ beginning = PySequence_GetSlice(value, 0, SHOWN_BYTES);
    _object_ string = beginning ? PyObject_Repr(beginning) : NULL;
    if (!append_string(text, string)) /* which cuts: with its quotes it is too long to be shown */
        append_failure(text, start, "repr", value);
}

static void render_int(PyObject *value, struct text *text) {
    _object_ bits = PyObject_CallMethod(value, "bit_length", NULL);
    long count = bits ? PyLong_AsLong(bits) : 0;
    PyErr_Clear();
    if (count <= INT_BITS_MAX) {
        render_whole(value, text);
        return;
    }
    char size[48];
    PyOS_snprintf(size, sizeof(size), "<int of %ld bits>", count);
    append_text(text, size);
}

/* The items of an iterable between two texts. False and an exception when iterating fails. */
static bool render_items(PyObject *value, struct text *text, int depth) {
    _object_ iterator = PyObject_GetIter(value);
    bool first = true;
    while (iterator && !text->cut) {
        _object_ item = PyIter_Next(iterator);
        if (!item)
            break;
        if (!first)
            append_text(text, ", ");
        first = false;
        render(item, text, depth + 1);
    }
    return iterator && !PyErr_Occurred();
}

static bool render_pairs(PyObject *value, struct text *text, int depth) {
    PyObject *key, *item;
    Py_ssize_t position = 0;
    bool first = true;
    while (!text->cut && PyDict_Next(value, &position, &key, &item)) {
        /* The dictionary may change while a repr runs. */
        _object_ own_key = bs_ref(key);
        _object_ own_item = bs_ref(item);
        if (!first)
            append_text(text, ", ");
        first = false;
        render(own_key, text, depth + 1);
        append_text(text, ": ");
        render(own_item, text, depth + 1);
    }
    return true;
}

/* The containers that may be large, and how their repr looks. Only exactly these types. */
static const struct container {
    PyTypeObject *type;
    const char *opening, *closing, *empty, *recursive;
    bool (*items)(PyObject *value, struct text *text, int depth);
} containers[] = {
    {&PyList_Type, "[", "]", "[]", "[...]", render_items},
    {&PyTuple_Type, "(", ")", "()", "(...)", render_items},
    {&PyDict_Type, "{", "}", "{}", "{...}", render_pairs},
    {&PySet_Type, "{", "}", "set()", "set(...)", render_items},
    {&PyFrozenSet_Type, "frozenset({", "})", "frozenset()", "frozenset(...)", render_items},
};

static void render_container(PyObject *value, const struct container *kind, struct text *text,
                             int depth) {
    size_t start = text->length;
    Py_ssize_t size = PyObject_Size(value);
    if (!size) {
        append_text(text, kind->empty);
        return;
    }
    int entered = depth < DEPTH_MAX ? Py_ReprEnter(value) : 1;
    if (entered) {
        PyErr_Clear();
        append_text(text, kind->recursive);
        return;
    }
    append_text(text, kind->opening);
    bool whole = kind->items(value, text, depth);
    if (size == 1 && kind->type == &PyTuple_Type)
        append_text(text, ",");
    append_text(text, kind->closing);
    if (!whole)
        append_failure(text, start, "repr", value);
    Py_ReprLeave(value);
}

/* Whether the repr of @p type is short however many items there are. */
static bool is_short(PyTypeObject *type) {
    return type == &PyRange_Type || type == &PyMemoryView_Type ||
           PyType_GetSlot(type, Py_tp_repr) == PyType_GetSlot(&PyBaseObject_Type, Py_tp_repr);
}

/* Whether @p type has its @p method from C: it is of the type that dict's is of. */
static bool is_in_c(PyTypeObject *type, const char *method) {
    _object_ of_dict = bs_attr_if_any((PyObject *)&PyDict_Type, method);
    _object_ found = bs_attr_if_any((PyObject *)type, method);
    return found && of_dict && Py_TYPE(found) == Py_TYPE(of_dict);
}

/* What asks another object, which may count in Python. */
static bool is_proxy(PyObject *value) {
    return Py_TYPE(value) == &PyDictProxy_Type || PyWeakref_CheckProxy(value);
}

/*
 * How many items an object of any other type has, where C code counts them and writes the repr;
 * -1: that is not known. A __len__ in Python is not called: repr() does not call it either, as a
 * rule; and a repr in Python is what its class wants to be shown.
 */
static Py_ssize_t count_items(PyObject *value) {
    PyTypeObject *type = Py_TYPE(value);
    if ((!PyType_GetSlot(type, Py_sq_length) && !PyType_GetSlot(type, Py_mp_length)) ||
        !is_in_c(type, "__len__") || !is_in_c(type, "__repr__") || is_proxy(value))
        return -1;
    Py_ssize_t count = PyObject_Size(value);
    PyErr_Clear();
    return count;
}

/* Of another type: its own repr, which knows no bound, only of what is not large. */
static void render_other(PyObject *value, struct text *text) {
    Py_ssize_t count = is_short(Py_TYPE(value)) ? 0 : count_items(value);
    if (count <= ITEMS_MAX) {
        render_whole(value, text);
        return;
    }
    char rest[40];
    PyOS_snprintf(rest, sizeof(rest), " of %zd items>", count);
    append_text(text, "<");
    append_type_name(text, (PyObject *)Py_TYPE(value));
    append_text(text, rest);
}

static void render(PyObject *value, struct text *text, int depth) {
    PyTypeObject *type = Py_TYPE(value);
    if (text->cut) /* by the key of this item: nothing can follow */
        return;
    if (type == &PyUnicode_Type || type == &PyBytes_Type || type == &PyByteArray_Type) {
        render_sequence(value, text);
        return;
    }
    if (type == &PyLong_Type) {
        render_int(value, text);
        return;
    }
    for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++) {
        if (type == containers[i].type) {
            render_container(value, &containers[i], text, depth);
            return;
        }
    }
    render_other(value, text);
}

void bs_repr(PyObject *value, struct text *ret) {
    begin(ret);
    render(value, ret, 0);
}

void bs_str(PyObject *value, struct text *ret) {
    begin(ret);
    _object_ string = PyObject_Str(value);
    if (!append_string(ret, string))
        append_failure(ret, 0, "str", value);
}

void bs_type_name(PyObject *value, struct text *ret) {
    begin(ret);
    append_type_name(ret, PyType_Check(value) ? value : (PyObject *)Py_TYPE(value));
}
