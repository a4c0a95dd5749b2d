/*
 * From the records of a run to the samples of an engine: a stamp is of the beginning of a dispatch,
 * so an instruction lasts until the next record, and has a time where both have a stamp. Pure: no
 * Python.
 */
#ifndef BS_AGENT_PROBE_STREAM_H
#define BS_AGENT_PROBE_STREAM_H

#include "agent/probe/reference.h"
#include "agent/steps.h"

#include <stdbool.h>

struct bs_stream {
    int32_t offset_bytes; /* from what a record holds to the instruction */
    const bool *again;    /* as bs_reference.again */
    struct steps *steps;
    bool open;             /* there is an instruction that has not ended */
    struct sample sample;  /* that one */
    bool stamped;          /* it is known when it began: */
    uint64_t stamp;        /* then */
    uint64_t paused_ticks; /* since then, not to be counted */
    uint64_t dispatches;   /* of this run */
    uint64_t timed;        /* instructions of this run that have a time */
    double timed_ticks;    /* and what they took together */
};

void bs_stream_begin(struct bs_stream *stream, struct steps *steps);
/* The next @p count records. */
void bs_stream_take(struct bs_stream *stream, const struct bs_record *records, size_t count);
/* The run ended at @p stamp. */
void bs_stream_end(struct bs_stream *stream, uint64_t stamp);

/* The address of the instruction that a record is about, as samples have it. */
static inline uint64_t bs_stream_place(const struct bs_stream *stream, uint64_t value) {
    return (value + (uint64_t)(int64_t)stream->offset_bytes) & ((1ull << 56) - 1);
}

#endif
