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
 * With a module the function is looked up in it; arguments are looked up where the user is (locals,
 * globals), and what is not found there in the module.
 */
#ifndef BS_AGENT_RESOLVE_H
#define BS_AGENT_RESOLVE_H

#include "agent/names.h"

struct call {
    struct names function_names, argument_names;
    PyObject *function_code;  /* owned, as are all of these */
    PyObject *arguments_code; /* NULL: no arguments */
    PyObject *keywords_code;  /* NULL: no keyword arguments */
    bool is_steady;           /* function and arguments are the same some runs ahead: names,
                                 literals, and for the function attributes */
    const char *text;         /* borrowed: CALL as typed, for messages */
    int text_length;
};

/* What one run of CALL needs, between prepare and release. Owned; keywords NULL: none. */
struct ready {
    PyObject *function, *arguments, *keywords;
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
/* The call and nothing else: a new reference or NULL with an exception set. */
PyObject *bs_call_run(const struct ready *ready);
void bs_call_release(struct ready *ready);

/*
 * Whether the exception that is set means that the call could not be made at all: it is a TypeError
 * from before any Python code ran, as for a wrong number of arguments. Then it is cleared, and
 * @p failure says so.
 */
bool bs_call_unmade(const struct call *call, const struct ready *ready, struct failure *failure);

#endif
