#include "agent/failure.h"

#include "agent/repr.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool bs_fail(struct failure *failure, enum bs_outcome outcome, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(failure->message, sizeof(failure->message), format, args);
    va_end(args);
    failure->outcome = outcome;
    return false;
}

/* What the exception says; of a syntax error without the file and line, which are made up. */
static void describe_exception(PyObject *value, struct text *ret) {
    _object_ message = PyErr_GivenExceptionMatches(value, PyExc_SyntaxError)
                           ? PyObject_GetAttrString(value, "msg")
                           : bs_ref(value);
    PyErr_Clear();
    bs_str(message ? message : value, ret);
}

bool bs_fail_raised(struct failure *failure, enum bs_outcome outcome, const char *format, ...) {
    struct pending pending = bs_pending_save();
    PyErr_NormalizeException(&pending.type, &pending.value, &pending.traceback);
    struct text type = {}, message = {};
    if (pending.value) {
        bs_type_name(pending.value, &type);
        describe_exception(pending.value, &message);
    }
    Py_XDECREF(pending.type);
    Py_XDECREF(pending.value);
    Py_XDECREF(pending.traceback);
    PyErr_Clear();

    char start[FAILURE_BYTES_MAX / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(start, sizeof(start), format, args);
    va_end(args);
    return bs_fail(failure, outcome, message.length ? "%s: %.*s: %.*s" : "%s: %.*s%.*s", start,
                   (int)type.length, type.data, (int)message.length, message.data);
}
