/* The colours of a host, woven into the text that it writes. */
#include "module/module.h"

#define RESET "\033[m"

/* The keys of a host's `escapes`, in the order of enum bs_style. */
static const char *const style_names[BS_STYLE_COUNT] = {
    [BS_STYLE_PLAIN] = "plain",       [BS_STYLE_TITLE] = "title",
    [BS_STYLE_FUNCTION] = "function", [BS_STYLE_FILE] = "file",
    [BS_STYLE_VARIABLE] = "variable", [BS_STYLE_ADDRESS] = "address",
    [BS_STYLE_OPCODE] = "opcode",     [BS_STYLE_SOURCE] = "source",
    [BS_STYLE_TIME] = "time",         [BS_STYLE_HOT] = "hot",
    [BS_STYLE_DIM] = "dim",           [BS_STYLE_ERROR] = "error",
};

void bs_paint_init(PyObject *object, struct bs_paint *ret) {
    *ret = (struct bs_paint){};
    _cleanup_decref_ PyObject *escapes = PyObject_GetAttrString(object, "escapes");
    for (size_t i = 0; escapes && PyDict_Check(escapes) && i < BS_STYLE_COUNT; i++) {
        PyObject *escape = PyDict_GetItemString(escapes, style_names[i]); /* borrowed */
        if (escape && bs_py_text_init(escape, &ret->escapes[i]))
            ret->any = true;
    }
    PyErr_Clear(); /* what is missing or no text is no colour */
}

void bs_paint_deinit(struct bs_paint *paint) {
    for (size_t i = 0; i < BS_STYLE_COUNT; i++)
        bs_py_text_deinit(&paint->escapes[i]);
}

static void add_piece(const struct bs_paint *paint, enum bs_style style, const char *data,
                      size_t length, struct bs_buffer *buffer) {
    const char *escape = paint->escapes[style].data;
    bool painted = escape && *escape && length;
    if (painted)
        bs_buffer_text(buffer, escape);
    bs_buffer_append(buffer, data, length);
    if (painted)
        bs_buffer_text(buffer, RESET);
}

void bs_paint_text(const struct bs_paint *paint, const char *data, size_t length,
                   const struct bs_span *spans, size_t span_count, struct bs_buffer *buffer) {
    size_t at_bytes = 0;
    enum bs_style style = BS_STYLE_PLAIN;
    for (size_t i = 0; i <= span_count; i++) {
        size_t end =
            i < span_count && spans[i].start_bytes < length ? spans[i].start_bytes : length;
        add_piece(paint, style, data + at_bytes, end - at_bytes, buffer);
        at_bytes = end;
        style = i < span_count ? spans[i].style : style;
    }
}
