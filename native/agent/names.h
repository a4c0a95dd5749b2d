/*
 * The names that CALL may use: those of the Python frame that the user selected in the debugger, or
 * of __main__. Locals are a copy, taken when the names are; globals are the real ones.
 */
#ifndef BS_AGENT_NAMES_H
#define BS_AGENT_NAMES_H

#include "agent/failure.h"
#include "agent/python.h"
#include "format/request.h"

struct names {
    PyObject *locals;  /* owned; a dict of our own, looked up first */
    PyObject *globals; /* owned; then these, then builtins */
    bool of_module;    /* the frame has no locals but its globals */
};

/* The frame of @p request. Must come before anything that drops the state of other threads. */
bool bs_names_open(struct names *names, const struct bs_request *request, struct failure *failure);
void bs_names_close(struct names *names);

/* For arguments of "module:...": @p names first, and then those of a module's @p globals. */
bool bs_names_over(struct names *ret, const struct names *names, PyObject *globals);

/*
 * Evaluate @p code, compiled for "eval": a new reference, or NULL with an exception set. Names
 * that it binds (`:=`) go into the locals.
 */
PyObject *bs_names_evaluate(const struct names *names, PyObject *code);

#endif
