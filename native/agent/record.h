/*
 * The trace pass: every event of one run, written into the image as it happens. This is the slow,
 * complete listing; times are measured elsewhere.
 */
#ifndef BS_AGENT_RECORD_H
#define BS_AGENT_RECORD_H

#include "agent/describe.h"
#include "agent/leaving.h"
#include "format/request.h"

struct recorder {
    struct output *output; /* set before bs_recorder_init, as the next three */
    struct codes *codes;
    struct describer *describer;
    struct bs_shared *shared; /* for progress */
    uint32_t max_events;
    uint64_t seen;                         /* events that happened */
    int latest;                            /* enum trace_what of the latest */
    bool full;                             /* not all of them were recorded */
    bool leave_as_it_was;                  /* disarm frames: the process goes on afterwards */
    bool normal_leave[BS_LEAVING_OPCODES]; /* without an exception */
};

/*
 * Prepare; @p request is read here alone. Codes that are known already are described here, so that
 * they do not disturb the run.
 */
void bs_recorder_init(struct recorder *recorder, const struct bs_request *request);

/* Record from here to bs_recorder_stop. Only one recorder at a time. */
void bs_recorder_start(struct recorder *recorder);
/* False: the program set a trace function of its own, so that events are missing. */
bool bs_recorder_stop(struct recorder *recorder);

/* For bs_run_abandon(). */
void bs_recorder_abandon(void);

/* The last event of a run that ended by itself. */
void bs_recorder_end(struct recorder *recorder);

/* The `raised` of an exception of this type and value; any that is set stays set. */
uint32_t bs_raised_text(struct output *output, PyObject *type, PyObject *value);

#endif
