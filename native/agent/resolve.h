/*
 * CALL: from the text that the user typed to something that can be called again and again.
 *
 *     CALL = [module ":"] expression
 *
 * A call `f(a, *b, k=c, **d)` is taken apart: function, positional and keyword arguments are
 * evaluated afresh for every run, outside of what is timed and traced: right before it, or where
 * they are steady up to two runs ahead (timed.h). Any other expression must give something
 * callable, which is called without arguments.
 *
 * With a module, the name that CALL begins with is one of it; others are looked up where the user
 * is (locals, globals), and what is not found there in the module.
 */
#ifndef BS_AGENT_RESOLVE_H
#define BS_AGENT_RESOLVE_H

#include "agent/expression.h"
#include "agent/names.h"

struct call {
    struct names function_names, argument_names; /* owned, as is the expression */
    struct expression expression;
    const char *text; /* borrowed: CALL as typed, for messages */
    int text_length;
};

/* What one run of CALL needs, between prepare and release. Owned. */
struct ready {
    PyObject *function;
    PyObject *arguments; /* a tuple */
    PyObject *keywords;  /* a dict, or NULL: none */
    /* The same laid out as an interpreter lays out its own calls (PEP 590); NULL where it exports
       no function that takes them so. */
    PyObject **values; /* an unused slot, the arguments, and the keywords' in the order of names */
    size_t count;      /* of arguments, and the flag for the slot before them */
    PyObject *names;   /* a tuple, or NULL: none */
};

/*
 * Compile, import, evaluate once. False: UNRESOLVED, with Python's own words. To be closed in any
 * case. @p text must stay.
 */
bool bs_call_open(struct call *call, const char *text, size_t length, const struct names *names,
                  struct failure *failure);
void bs_call_close(struct call *call);

/* Evaluate function and arguments. False: UNRESOLVED or INTERRUPTED, and nothing to release. */
bool bs_call_prepare(const struct call *call, struct ready *ret, struct failure *failure);
/*
 * The call and nothing else: a new reference or NULL with an exception set. Inline, as the walk is
 * to see no function of ours.
 */
static inline PyObject *bs_call_run(const struct ready *ready) {
    if (!ready->values)
        return PyObject_Call(ready->function, ready->arguments, ready->keywords);
    return bs_python.PyObject_Vectorcall(ready->function, ready->values + 1, ready->count,
                                         ready->names);
}
void bs_call_release(struct ready *ready);

/*
 * Whether the exception that is set means that the call could not be made at all: it is a TypeError
 * from before any Python code ran, as for a wrong number of arguments. Then it is cleared, and
 * @p failure says so.
 */
bool bs_call_unmade(const struct call *call, const struct ready *ready, struct failure *failure);

#endif
