#include "agent/expression.h"

#define AST_ONLY 0x400 /* PyCF_ONLY_AST: Include/cpython/compile.h */

/* compile(source, BS_CALL_FILE, "eval", flags, True), @p source being a text or a tree. */
static PyObject *compile(PyObject *source, int flags) {
    _object_ function = bs_module_attr("builtins", "compile");
    return function
               ? PyObject_CallFunction(function, "Ossii", source, BS_CALL_FILE, "eval", flags, 1)
               : NULL;
}

/* A new node of the syntax tree: class @p name of _ast with the given fields, on the first line. */
static PyObject *node(const char *name, PyObject *fields) {
    static const struct {
        const char *name;
        long value;
    } places[] = {{"lineno", 1}, {"col_offset", 0}, {"end_lineno", 1}, {"end_col_offset", 0}};
    _object_ type = bs_module_attr("_ast", name);
    _object_ none = PyTuple_New(0);
    _object_ made = type && none && fields ? PyObject_Call(type, none, fields) : NULL;
    for (size_t i = 0; made && i < sizeof(places) / sizeof(places[0]); i++) {
        _object_ value = PyLong_FromLong(places[i].value);
        if (!value || PyObject_SetAttrString(made, places[i].name, value) < 0)
            return NULL;
    }
    return bs_give(&made);
}

/* Compile the expression @p body by itself. */
static PyObject *compile_expression(PyObject *body) {
    _object_ fields = body ? Py_BuildValue("{s:O}", "body", body) : NULL;
    _object_ tree = fields ? node("Expression", fields) : NULL;
    return tree ? compile(tree, 0) : NULL;
}

/* `(*arguments,)`: a tuple of what the call @p body has for positional arguments. */
static PyObject *compile_arguments(PyObject *body) {
    _object_ arguments = PyObject_GetAttrString(body, "args");
    _object_ nothing = PyDict_New();
    _object_ load = nothing ? node("Load", nothing) : NULL;
    _object_ fields =
        arguments && load ? Py_BuildValue("{s:O,s:O}", "elts", arguments, "ctx", load) : NULL;
    _object_ tuple = fields ? node("Tuple", fields) : NULL;
    return compile_expression(tuple);
}

/* `dict(keywords)`: so that a keyword given twice is an error, as it would be in the call. */
static PyObject *compile_keywords(PyObject *keywords) {
    _object_ nothing = PyDict_New();
    _object_ load = nothing ? node("Load", nothing) : NULL;
    _object_ name_fields =
        load ? Py_BuildValue("{s:s,s:O}", "id", EXPRESSION_KEYWORDS, "ctx", load) : NULL;
    _object_ name = name_fields ? node("Name", name_fields) : NULL;
    _object_ fields =
        name ? Py_BuildValue("{s:O,s:[],s:O}", "func", name, "args", "keywords", keywords) : NULL;
    _object_ made = fields ? node("Call", fields) : NULL;
    return compile_expression(made);
}

/* Whether a node of an AST, with the class @p name, gives the same whenever it is evaluated. */
static bool is_steady_kind(PyObject *name, bool with_attributes) {
    static const char *const steady[] = {"Constant", "Name", "List",    "Tuple",
                                         "Set",      "Dict", "UnaryOp", "keyword"};
    for (size_t i = 0; i < sizeof(steady) / sizeof(steady[0]); i++) {
        if (!PyUnicode_CompareWithASCIIString(name, steady[i]))
            return true;
    }
    return with_attributes && !PyUnicode_CompareWithASCIIString(name, "Attribute");
}

/* Whether @p node, of an AST or a list of them, is made of names and literals alone. */
static bool is_steady(PyObject *node, bool with_attributes) {
    if (PyList_Check(node)) {
        for (Py_ssize_t i = 0; i < PyList_Size(node); i++) {
            if (!is_steady(PyList_GetItem(node, i), with_attributes))
                return false;
        }
        return true;
    }
    _object_ fields = bs_attr_if_any(node, "_fields");
    if (!fields || !PyTuple_Check(fields) || !PyTuple_Size(fields))
        return true; /* what a constant holds, or Load and its like */
    _object_ name = bs_attr_if_any((PyObject *)Py_TYPE(node), "__name__");
    if (!name || !is_steady_kind(name, with_attributes))
        return false;
    for (Py_ssize_t i = 0; i < PyTuple_Size(fields); i++) {
        _object_ value = PyObject_GetAttr(node, PyTuple_GetItem(fields, i));
        PyErr_Clear();
        if (value && !is_steady(value, with_attributes))
            return false;
    }
    return true;
}

/* The name that the expression @p node begins with; NULL, and no exception: it begins otherwise. */
static PyObject *head_of(PyObject *node) {
    _object_ at = bs_ref(node);
    while (at) {
        _object_ within = bs_attr_if_any(at, "value"); /* of Attribute, Subscript */
        if (!within)
            within = bs_attr_if_any(at, "func"); /* of Call */
        if (!within)
            return bs_attr_if_any(at, "id"); /* of Name */
        bs_set(&at, bs_give(&within));
    }
    return NULL;
}

/* False with an exception set. */
static bool take_apart(struct expression *expression, PyObject *body) {
    _object_ function = PyObject_GetAttrString(body, "func");
    _object_ arguments = PyObject_GetAttrString(body, "args");
    _object_ keywords = PyObject_GetAttrString(body, "keywords");
    if (!function || !arguments || !keywords)
        return false;
    expression->is_steady =
        is_steady(function, true) && is_steady(arguments, false) && is_steady(keywords, false);
    expression->head = head_of(function);
    expression->function_code = compile_expression(function);
    expression->arguments_code = expression->function_code ? compile_arguments(body) : NULL;
    if (expression->arguments_code && PyObject_Size(keywords))
        expression->keywords_code = compile_keywords(keywords);
    return expression->arguments_code && !PyErr_Occurred();
}

bool bs_expression_compile(PyObject *source, struct expression *ret) {
    *ret = (struct expression){};
    /* Once in full: what is wrong with the whole is not seen in its parts. */
    _object_ whole = compile(source, 0);
    _object_ tree = whole ? compile(source, AST_ONLY) : NULL;
    _object_ body = tree ? PyObject_GetAttrString(tree, "body") : NULL;
    _object_ call_type = body ? bs_module_attr("_ast", "Call") : NULL;
    if (!call_type)
        return false;
    if (PyObject_IsInstance(body, call_type) == 1)
        return take_apart(ret, body);
    ret->is_steady = is_steady(body, true);
    ret->head = head_of(body);
    ret->function_code = bs_give(&whole);
    return true;
}

void bs_expression_close(struct expression *expression) {
    bs_set(&expression->function_code, NULL);
    bs_set(&expression->arguments_code, NULL);
    bs_set(&expression->keywords_code, NULL);
    bs_set(&expression->head, NULL);
}
