/*
 * Code objects as heap entries of the image: everything that the debugger's decoder wants to know
 * of one, its source lines included, as text and bytes.
 */
#ifndef BS_AGENT_DESCRIBE_H
#define BS_AGENT_DESCRIBE_H

#include "agent/codes.h"
#include "agent/output.h"
#include "agent/resolve.h"

struct describer {
    struct output *output;
    const struct codes *codes;
    PyObject *getlines; /* linecache.getlines; NULL: no source texts */
    /* The same of what has no file, as with `python -c`; NULL: this linecache has none. */
    PyObject *getlines_of_code;
    PyObject *call_lines; /* the text of CALL, a list of one line; may be NULL */
};

/* Imports linecache. Leaves no exception set, and does without what it cannot have. */
void bs_describer_init(struct describer *describer, struct output *output,
                       const struct codes *codes, const struct bs_request *request);
void bs_describer_deinit(struct describer *describer);

/*
 * Describe all codes that are not yet described, in the order of their numbers. Runs Python code.
 * False: there is no room in the image for another. An exception that is set stays set.
 */
bool bs_describe_new(struct describer *describer);

#endif
