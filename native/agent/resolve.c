#include "agent/resolve.h"

#include "agent/interrupt.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_BEFORE ((size_t)1 << 63) /* PY_VECTORCALL_ARGUMENTS_OFFSET: cpython/abstract.h */
#define QUOTED_MAX  60                /* bytes of CALL in a message */

#define QUOTED "`%.*s%s`"
#define QUOTE(call)                                                                                \
    quoted_length(call), (call)->text, quoted_length(call) < (call)->text_length ? "..." : ""

static int quoted_length(const struct call *call) {
    int length = call->text_length;
    if (length <= QUOTED_MAX)
        return length;
    for (length = QUOTED_MAX; length && ((unsigned char)call->text[length] & 0xc0) == 0x80;)
        length--;
    return length;
}

/* Past the string that begins with the quote at @p at. */
static size_t skip_string(const char *text, size_t length, size_t at) {
    char quote = text[at];
    bool triple = at + 2 < length && text[at + 1] == quote && text[at + 2] == quote;
    size_t width = triple ? 3 : 1;
    for (at += width; at < length; at++) {
        if (text[at] == '\\') {
            at++;
        } else if (text[at] == quote && (!triple || (at + 2 < length && text[at + 1] == quote &&
                                                     text[at + 2] == quote))) {
            return at + width;
        }
    }
    return length;
}

static bool is_dotted_name(const char *text, size_t length) {
    bool start = true; /* of a part */
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '.' ? start : !(isalpha(c) || c == '_' || c >= 0x80 || (!start && isdigit(c))))
            return false;
        start = c == '.';
    }
    return length && !start;
}

/* Length of the module's name before the first ':' that is in no bracket or string, or 0. */
static size_t module_length(const char *text, size_t length) {
    int depth = 0;
    for (size_t at = 0; at < length;) {
        char c = text[at];
        if (c == '\'' || c == '"') {
            at = skip_string(text, length, at);
            continue;
        }
        if (c == ':' && !depth) {
            while (at && isspace((unsigned char)text[at - 1]))
                at--;
            bool is_lambda = at == 6 && !memcmp(text, "lambda", 6);
            return is_dotted_name(text, at) && !is_lambda ? at : 0;
        }
        depth += c == '(' || c == '[' || c == '{';
        depth -= c == ')' || c == ']' || c == '}';
        at++;
    }
    return 0;
}

static bool compile_call(struct call *call, PyObject *source, struct failure *failure) {
    return bs_expression_compile(source, &call->expression) ||
           bs_fail_raised(failure, BS_OUTCOME_UNRESOLVED, QUOTED " is not a Python expression",
                          QUOTE(call));
}

/* A copy of @p names, sharing what they refer to. */
static struct names same_names(const struct names *names) {
    return (struct names){.locals = bs_ref(names->locals), .globals = bs_ref(names->globals)};
}

/*
 * One that is imported already is had without importlib, which is in a file, and a program that
 * has given up its rights or its root directory cannot read that any more.
 */
static PyObject *find_module(PyObject *name) {
    _object_ module = PyImport_GetModule(name);
    if (module && module != Py_None)
        return bs_give(&module);
    PyErr_Clear();
    _object_ import_fn = bs_module_attr("importlib", "import_module");
    return import_fn ? PyObject_CallFunctionObjArgs(import_fn, name, NULL) : NULL;
}

/*
 * Names for what is called, of a module with @p globals: the first is the module's, also where the
 * frame has one that is called so; the others are as those of the arguments.
 */
static bool open_function_names(struct call *call, PyObject *globals) {
    PyObject *head = call->expression.head;
    call->function_names = (struct names){
        .locals = head ? PyDict_Copy(call->argument_names.locals) : PyDict_New(),
        .globals = bs_ref(globals),
    };
    PyObject *locals = call->function_names.locals;
    return locals && (!head || PyDict_Contains(locals, head) != 1 || !PyDict_DelItem(locals, head));
}

static bool import_module(struct call *call, const char *name, size_t length,
                          const struct names *names, struct failure *failure) {
    _object_ text = PyUnicode_DecodeUTF8(name, (Py_ssize_t)length, "strict");
    _object_ module = text ? find_module(text) : NULL;
    _object_ globals = module ? PyObject_GetAttrString(module, "__dict__") : NULL;
    if (globals && PyDict_Check(globals) && bs_names_over(&call->argument_names, names, globals) &&
        open_function_names(call, globals))
        return true;
    return bs_fail_raised(failure, BS_OUTCOME_UNRESOLVED, "module `%.*s` cannot be imported",
                          (int)length, name);
}

static bool open_names(struct call *call, size_t module, const struct names *names,
                       struct failure *failure) {
    if (module)
        return import_module(call, call->text, module, names, failure);
    call->function_names = same_names(names);
    call->argument_names = same_names(names);
    return true;
}

/* Give the locals of the arguments the function that makes their keywords. */
static bool open_keywords(struct call *call) {
    return PyDict_SetItemString(call->argument_names.locals, EXPRESSION_KEYWORDS,
                                (PyObject *)&PyDict_Type) == 0;
}

static void strip(const char **text, size_t *length) {
    while (*length && isspace((unsigned char)**text))
        ++*text, --*length;
    while (*length && isspace((unsigned char)(*text)[*length - 1]))
        --*length;
}

bool bs_call_open(struct call *call, const char *text, size_t length, const struct names *names,
                  struct failure *failure) {
    strip(&text, &length);
    *call = (struct call){.text = text, .text_length = (int)length};
    if (!length)
        return bs_fail(failure, BS_OUTCOME_UNRESOLVED,
                       "CALL is empty: give a call, like f(1), or the name of a function");
    size_t module = module_length(text, length);
    const char *expression = module ? strchr(text + module, ':') + 1 : text;
    size_t expression_length = length - (size_t)(expression - text);
    strip(&expression, &expression_length);
    _object_ source = PyUnicode_DecodeUTF8(expression, (Py_ssize_t)expression_length, "strict");
    if (!source)
        return bs_fail_raised(failure, BS_OUTCOME_UNRESOLVED, "CALL is not UTF-8");
    if (!compile_call(call, source, failure) || !open_names(call, module, names, failure))
        return false;
    if (!open_keywords(call))
        return bs_fail_raised(failure, BS_OUTCOME_UNRESOLVED, QUOTED " cannot be prepared",
                              QUOTE(call));
    struct ready ready;
    if (!bs_call_prepare(call, &ready, failure))
        return false;
    bs_call_release(&ready);
    return true;
}

void bs_call_close(struct call *call) {
    bs_expression_close(&call->expression);
    bs_names_close(&call->function_names);
    bs_names_close(&call->argument_names);
}

/* Lay arguments and keywords out for PyObject_Vectorcall(). False: an exception is set. */
static bool lay_out(struct ready *ready) {
    const Py_ssize_t count = PyTuple_Size(ready->arguments);
    const Py_ssize_t named = ready->keywords ? PyDict_Size(ready->keywords) : 0;
    if (!bs_python.PyObject_Vectorcall)
        return true;
    ready->names = named ? PyTuple_New(named) : NULL;
    ready->values = malloc((size_t)(1 + count + named) * sizeof(PyObject *));
    if (!ready->values || (named && !ready->names)) {
        PyErr_NoMemory();
        return false;
    }
    PyObject **next = ready->values + 1, *name, *value;
    for (Py_ssize_t i = 0; i < count; i++)
        *next++ = PyTuple_GetItem(ready->arguments, i);
    for (Py_ssize_t at = 0, i = 0; named && PyDict_Next(ready->keywords, &at, &name, &value); i++) {
        PyTuple_SetItem(ready->names, i, bs_ref(name));
        *next++ = value;
    }
    ready->count = (size_t)count | SLOT_BEFORE;
    return true;
}

/* Whether __main__ has the name that the exception at hand, which stays, says is not defined. */
static bool is_in_main(void) {
    struct pending pending = bs_pending_save();
    PyErr_NormalizeException(&pending.type, &pending.value, &pending.traceback);
    bool is_there = false;
    if (pending.value && PyErr_GivenExceptionMatches(pending.value, PyExc_NameError)) {
        _object_ name = bs_attr_if_any(pending.value, "name");
        _object_ main_name = PyUnicode_FromString("__main__");
        _object_ main = name && main_name ? PyImport_GetModule(main_name) : NULL;
        _object_ names = main ? bs_attr_if_any(main, "__dict__") : NULL;
        is_there = names && PyDict_Check(names) && PyDict_Contains(names, name) == 1;
        PyErr_Clear();
    }
    bs_pending_restore(&pending);
    return is_there;
}

/* @p format has one QUOTED. Names of __main__ are not far, as from the prompt, which is Python. */
static bool fail_evaluation(const struct call *call, struct failure *failure, const char *format) {
    if (!module_length(call->text, (size_t)call->text_length) && is_in_main())
        return bs_fail_raised(failure, BS_OUTCOME_UNRESOLVED,
                              QUOTED " uses a name of __main__ that the selected frame does not "
                                     "see: give __main__:CALL",
                              QUOTE(call));
    return bs_fail_raised(failure, BS_OUTCOME_UNRESOLVED, format, QUOTE(call));
}

static bool prepare_arguments(const struct call *call, struct ready *ready,
                              struct failure *failure) {
    ready->arguments =
        call->expression.arguments_code
            ? bs_names_evaluate(&call->argument_names, call->expression.arguments_code)
            : PyTuple_New(0);
    if (ready->arguments && call->expression.keywords_code)
        ready->keywords = bs_names_evaluate(&call->argument_names, call->expression.keywords_code);
    if (ready->arguments && (ready->keywords || !call->expression.keywords_code) && lay_out(ready))
        return true;
    return fail_evaluation(call, failure, "the arguments of " QUOTED " cannot be evaluated");
}

static bool prepare_function(const struct call *call, struct ready *ready,
                             struct failure *failure) {
    ready->function = bs_names_evaluate(&call->function_names, call->expression.function_code);
    if (!ready->function)
        return fail_evaluation(call, failure, QUOTED " cannot be found");
    if (PyCallable_Check(ready->function))
        return true;
    _object_ name = PyObject_GetAttrString((PyObject *)Py_TYPE(ready->function), "__name__");
    const char *type = name ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
    PyErr_Clear();
    const char *format = call->expression.arguments_code
                             ? QUOTED " calls something of type %s, which is not callable"
                             : QUOTED " is of type %s and not callable: give a call, like f(1), "
                                      "or the name of a function";
    return bs_fail(failure, BS_OUTCOME_UNRESOLVED, format, QUOTE(call), type ? type : "?");
}

bool bs_call_prepare(const struct call *call, struct ready *ret, struct failure *failure) {
    *ret = (struct ready){};
    bool prepared = prepare_function(call, ret, failure) && prepare_arguments(call, ret, failure);
    /* What came off before the call is made would not end it. */
    if (bs_interrupt_pressed(failure))
        prepared = false;
    if (!prepared)
        bs_call_release(ret);
    return prepared;
}

void bs_call_release(struct ready *ready) {
    bs_set(&ready->function, NULL);
    bs_set(&ready->arguments, NULL);
    bs_set(&ready->keywords, NULL);
    bs_set(&ready->names, NULL);
    free(ready->values);
    ready->values = NULL;
}

bool bs_call_unmade(const struct call *call, const struct ready *ready, struct failure *failure) {
    if (PyCFunction_Check(ready->function) || !PyErr_ExceptionMatches(PyExc_TypeError))
        return false;
    struct pending pending = bs_pending_save();
    bool ran = pending.traceback != NULL;
    bs_pending_restore(&pending);
    if (ran)
        return false;
    bs_fail_raised(failure, BS_OUTCOME_UNRESOLVED, QUOTED " cannot be called", QUOTE(call));
    return true;
}
