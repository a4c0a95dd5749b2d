/*
 * The expression of CALL, taken apart: what is called, and with what. Each part is compiled by
 * itself, to be evaluated again and again (resolve.h). Knows nothing of names and their values.
 */
#ifndef BS_AGENT_EXPRESSION_H
#define BS_AGENT_EXPRESSION_H

#include "agent/python.h"

#define BS_CALL_FILE "<bytesight>" /* the file of code objects of CALL, as its lambdas */

/* The name of dict() in keywords_code: no name that a program can have. */
#define EXPRESSION_KEYWORDS ".keywords"

/* Code objects for "eval"; owned. */
struct expression {
    PyObject *function_code;  /* something callable */
    PyObject *arguments_code; /* a tuple; NULL: the expression is no call, and there are none */
    PyObject *keywords_code;  /* a dict; NULL: no keyword arguments */
    PyObject *head; /* str: `a` where what is called begins so, as `a.b(c)[d].e`; or NULL */
    bool is_steady; /* function and arguments are the same some runs ahead: names,
                       literals, and for the function attributes */
};

/* Of @p source, a str. False: a Python exception is set. To be closed in any case. */
bool bs_expression_compile(PyObject *source, struct expression *ret);
void bs_expression_close(struct expression *expression);

#endif
