#include "agent/describe.h"

#include "agent/repr.h"

#include <string.h>

/* A constant longer than this is no ordinary one, and its text is cut. */
#define CONSTANT_BYTES_MAX (64 << 10)

void bs_describer_init(struct describer *describer, struct output *output,
                       const struct codes *codes, const struct bs_request *request) {
    *describer = (struct describer){.output = output, .codes = codes};
    describer->getlines = bs_module_attr("linecache", "getlines");
    PyErr_Clear();
    describer->getlines_of_code = bs_module_attr("linecache", "_getlines_from_code");
    PyErr_Clear();
    _object_ call = PyUnicode_DecodeUTF8(request->call, request->call_bytes, "replace");
    describer->call_lines = call ? Py_BuildValue("[O]", call) : NULL;
    PyErr_Clear();
}

void bs_describer_deinit(struct describer *describer) {
    bs_set(&describer->getlines, NULL);
    bs_set(&describer->getlines_of_code, NULL);
    bs_set(&describer->call_lines, NULL);
}

/* Each put_ writes something, an empty text at worst, and leaves no exception set. */

static void put_bytes(struct heap_entry *entry, PyObject *bytes) {
    char *data = NULL;
    Py_ssize_t length = 0;
    if (bytes && PyBytes_Check(bytes))
        PyBytes_AsStringAndSize(bytes, &data, &length);
    bs_heap_put_string(entry, data, (size_t)length);
}

static void put_text(struct heap_entry *entry, PyObject *text) {
    _object_ bytes = text && PyUnicode_Check(text) ? bs_utf8(text) : NULL;
    PyErr_Clear();
    put_bytes(entry, bytes);
}

static void put_bytes_attr(struct heap_entry *entry, PyObject *code, const char *name) {
    _object_ bytes = bs_attr_if_any(code, name);
    put_bytes(entry, bytes);
}

/* Attribute @p name of @p code if it is a tuple, a new reference, else NULL. */
static PyObject *tuple_attr(PyObject *code, const char *name) {
    _object_ tuple = bs_attr_if_any(code, name);
    return tuple && PyTuple_Check(tuple) ? bs_give(&tuple) : NULL;
}

static void put_constant(struct heap_entry *entry, PyObject *constant) {
    PyTypeObject *type = Py_TYPE(constant);
    bool sliced = (type == &PyUnicode_Type || type == &PyBytes_Type) &&
                  PySequence_Size(constant) > CONSTANT_BYTES_MAX;
    _object_ shown =
        sliced ? PySequence_GetSlice(constant, 0, CONSTANT_BYTES_MAX) : bs_ref(constant);
    _object_ text = shown ? PyObject_Repr(shown) : NULL;
    PyErr_Clear();
    put_text(entry, text);
}

static void put_constants(struct heap_entry *entry, PyObject *code) {
    _object_ tuple = tuple_attr(code, "co_consts");
    Py_ssize_t count = tuple ? PyTuple_Size(tuple) : 0;
    bs_heap_put_u32(entry, (uint32_t)count);
    for (Py_ssize_t i = 0; i < count; i++)
        put_constant(entry, PyTuple_GetItem(tuple, i));
}

static void put_texts(struct heap_entry *entry, PyObject *texts) {
    Py_ssize_t count = texts ? PySequence_Size(texts) : 0;
    bs_heap_put_u32(entry, (uint32_t)count);
    for (Py_ssize_t i = 0; i < count; i++) {
        _object_ text = PySequence_GetItem(texts, i);
        put_text(entry, text);
    }
}

static const struct {
    const char *attribute;
    char kind;
} local_tuples[3] = {{"co_varnames", BS_LOCAL_PLAIN},
                     {"co_cellvars", BS_LOCAL_CELL},
                     {"co_freevars", (char)BS_LOCAL_FREE}};

/*
 * The names of all local variables in the interpreter's numbering, a new list: from 3.11 on the
 * code object is asked for one number after the other; before, it is the three tuples end to end.
 */
static PyObject *local_names(PyObject *code, PyObject *const tuples[3], bool end_to_end) {
    _object_ names = PyList_New(0);
    if (end_to_end) {
        for (int i = 0; names && i < 3; i++) {
            if (tuples[i])
                bs_set(&names, PySequence_InPlaceConcat(names, tuples[i]));
        }
        return bs_give(&names);
    }
    for (int number = 0; names; number++) {
        _object_ name = PyObject_CallMethod(code, "_varname_from_oparg", "i", number);
        if (!name || PyList_Append(names, name) < 0)
            break;
    }
    PyErr_Clear();
    return bs_give(&names);
}

static bool contains(PyObject *names, PyObject *name) {
    return names && PySequence_Contains(names, name) == 1;
}

/*
 * What local number @p number is, called @p name. One that a function within captures is two things
 * from 3.11 on; before, it has a number in each of two tuples.
 */
static char local_kind(PyObject *const names[3], PyObject *name, Py_ssize_t number,
                       bool end_to_end) {
    char kind = 0;
    for (int k = 0; k < 3; k++) {
        const Py_ssize_t size = names[k] ? PyObject_Size(names[k]) : 0;
        if (end_to_end ? number >= 0 && number < size : contains(names[k], name))
            kind |= local_tuples[k].kind;
        number -= size;
    }
    return kind;
}

/* The names of the locals, and one byte each that says what they are. */
static void put_locals(struct heap_entry *entry, PyObject *code) {
    const bool end_to_end = !PyObject_HasAttrString(code, "_varname_from_oparg");
    PyObject *tuples[3];
    for (int k = 0; k < 3; k++)
        tuples[k] = tuple_attr(code, local_tuples[k].attribute);
    _object_ names = local_names(code, tuples, end_to_end);
    put_texts(entry, names);
    /* Generated code has tens of thousands. */
    for (int k = 0; k < 3 && !end_to_end; k++) {
        if (tuples[k])
            bs_set(&tuples[k], PySet_New(tuples[k]));
    }

    Py_ssize_t count = names ? PyList_Size(names) : 0;
    bs_heap_put_u32(entry, (uint32_t)count);
    for (Py_ssize_t i = 0; i < count; i++) {
        char kind = local_kind(tuples, PyList_GetItem(names, i), i, end_to_end);
        bs_heap_put_bytes(entry, &kind, 1);
    }
    for (int k = 0; k < 3; k++)
        Py_XDECREF(tuples[k]);
    PyErr_Clear();
}

/* The line numbers that @p code has instructions for, a new sorted list; NULL: none. */
static PyObject *line_numbers(PyObject *code) {
    _object_ lines = PySet_New(NULL);
    _object_ ranges = PyObject_CallMethod(code, "co_lines", NULL);
    while (lines && ranges) {
        _object_ range = PyIter_Next(ranges);
        PyObject *line = range ? PyTuple_GetItem(range, 2) : NULL;
        if (!line || (line != Py_None && PySet_Add(lines, line) < 0))
            break;
    }
    PyErr_Clear();
    _object_ sorted = lines ? PySequence_List(lines) : NULL;
    if (sorted && PyList_Sort(sorted) < 0)
        bs_set(&sorted, NULL);
    PyErr_Clear();
    return bs_give(&sorted);
}

/* What @p function of linecache returns, a new reference, or NULL where that is no lines at all. */
static PyObject *lines_from(PyObject *function, PyObject *of, PyObject *globals) {
    _object_ lines = function ? PyObject_CallFunctionObjArgs(function, of, globals, NULL) : NULL;
    PyErr_Clear();
    return lines && PyList_Check(lines) && PyList_Size(lines) ? bs_give(&lines) : NULL;
}

/* All lines of the file of @p code, or of the text that it was compiled of, a new list, or NULL. */
static PyObject *file_lines(const struct describer *describer, PyObject *code, PyObject *globals) {
    _object_ filename = bs_attr_if_any(code, "co_filename");
    if (filename && PyUnicode_CompareWithASCIIString(filename, BS_CALL_FILE) == 0)
        return describer->call_lines ? bs_ref(describer->call_lines) : NULL;
    PyObject *lines =
        filename ? lines_from(describer->getlines, filename, globals ? globals : Py_None) : NULL;
    return lines ? lines : lines_from(describer->getlines_of_code, code, NULL);
}

static void put_sources(struct heap_entry *entry, const struct describer *describer, PyObject *code,
                        PyObject *globals) {
    _object_ numbers = line_numbers(code);
    _object_ lines = file_lines(describer, code, globals);
    Py_ssize_t known = lines ? PyList_Size(lines) : 0;
    Py_ssize_t count = numbers && lines ? PyList_Size(numbers) : 0;
    uint64_t count_at = entry->length;
    uint32_t written = 0;
    bs_heap_put_u32(entry, 0);
    for (Py_ssize_t i = 0; i < count; i++) {
        long number = PyLong_AsLong(PyList_GetItem(numbers, i));
        if (number < 1 || number > known)
            continue;
        _object_ stripped = PyObject_CallMethod(PyList_GetItem(lines, number - 1), "strip", NULL);
        if (!stripped || PyObject_Size(stripped) < 1)
            continue;
        bs_heap_put_u32(entry, (uint32_t)number);
        put_text(entry, stripped);
        written++;
    }
    PyErr_Clear();
    bs_heap_patch_u32(entry, count_at, written);
}

static void put_name(struct heap_entry *entry, PyObject *code) {
    _object_ name = bs_attr_if_any(code, "co_qualname"); /* 3.11 and later */
    if (!name)
        name = bs_attr_if_any(code, "co_name");
    put_text(entry, name);
}

static uint32_t describe(const struct describer *describer, const struct code_entry *known) {
    PyObject *code = known->code;
    struct heap_entry entry;
    bs_heap_begin(describer->output, &entry);
    put_name(&entry, code);
    _object_ filename = PyObject_GetAttrString(code, "co_filename");
    put_text(&entry, filename);
    bs_heap_put_u32(&entry, (uint32_t)bs_number_attr(code, "co_firstlineno", 0));
    bs_heap_put_u32(&entry, (uint32_t)bs_number_attr(code, "co_flags", 0));
    put_bytes(&entry, known->bytecode);
    put_bytes(&entry, known->adaptive);
    put_bytes_attr(&entry, code, "co_linetable");
    put_bytes_attr(&entry, code, "co_exceptiontable"); /* 3.11 and later */
    put_constants(&entry, code);
    _object_ names = tuple_attr(code, "co_names");
    put_texts(&entry, names);
    put_locals(&entry, code);
    put_sources(&entry, describer, code, known->globals);
    return bs_heap_end(&entry);
}

bool bs_describe_new(struct describer *describer) {
    const struct bs_section *done = &describer->output->header->sections[BS_SECTION_CODES];
    struct pending pending = bs_pending_save();
    bool described = true;
    uint32_t number;
    while (described &&
           (number = (uint32_t)(done->used_bytes / sizeof(uint32_t))) < describer->codes->count) {
        uint32_t offset = describe(describer, &describer->codes->entries[number]);
        described =
            offset && bs_output_put(describer->output, BS_SECTION_CODES, &offset, sizeof(offset));
    }
    bs_pending_restore(&pending);
    return described;
}
