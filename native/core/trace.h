/*
 * The trace model: an image (format/image.h), checked once and decoded, with opcode events and
 * timed steps brought together. After bs_trace_create() every offset, code number, kind and text
 * in it is good, so that renderers walk millions of events without looking again.
 *
 * Times here are as measured; core/timing.h corrects them.
 */
#ifndef BS_CORE_TRACE_H
#define BS_CORE_TRACE_H

#include "core/decode.h"
#include "core/heap.h"
#include "format/image.h"

struct bs_trace_code {
    struct bs_code *code;
    struct bs_instructions instructions;
    size_t first; /* number of its first instruction, among those of all codes end to end */
};

/* Read-only for everybody but trace.c and merge.c. Events and steps are numbered from 0. */
struct bs_trace {
    void *image; /* owned; header, events, steps, counts and every text point into it */
    size_t length;
    const struct bs_image_header *header;
    struct bs_heap heap;
    const struct bs_event *events;
    size_t event_count, opcode_count; /* opcode_count of the events are OPCODE */
    const struct bs_step *steps;
    size_t step_count;
    const double *counts;        /* executions of each step in one run; NULL: not recorded */
    const struct bs_call *calls; /* core/calls.h checks and reads them */
    size_t call_count;
    const struct bs_symbol *symbols; /* the same */
    size_t symbol_count;
    const struct bs_trace_code *codes;
    size_t code_count, instruction_count; /* instruction_count: of all codes */
    struct bs_merge {
        uint32_t *first_step;  /* of each event, see bs_trace_steps(); NULL: nothing was timed */
        size_t ordered_events; /* before it steps are in order, from it on per instruction */
        size_t ordered_steps;  /* the same for the steps themselves */
        size_t ordered_end;    /* end of the steps of the last ordered event */
    } merge;
    struct bs_calls *walk; /* core/calls.h; NULL: C functions were not walked */
};

/*
 * Check and decode the @p length bytes at @p image, which must come from malloc() and belong to
 * the trace from now on, also when this fails. BS_ERROR_CORRUPT names the section and the field;
 * BS_ERROR_UNSUPPORTED is an image of a newer bytesight, or of a Python without decoder.
 */
struct bs_error *bs_trace_create(void *image, size_t length, struct bs_trace **ret);
void bs_trace_destroy(struct bs_trace *trace);

static inline void bs_cleanup_trace(struct bs_trace **trace) {
    bs_trace_destroy(*trace);
}
#define _cleanup_trace_ _cleanup_(bs_cleanup_trace)

/* The string, or the `raised`, at a heap offset that the trace contains; "" for 0. */
struct bs_text bs_trace_text(const struct bs_trace *trace, uint32_t offset);
struct bs_raised bs_trace_raised(const struct bs_trace *trace, uint32_t offset);

/* Of a trace that is cut. A STOP is no event of CALL, and is not counted. */
struct bs_trace_cut {
    uint64_t kept, seen; /* events that were recorded, and that happened */
    bool full;           /* there was no room for code or texts; else: --max-events is `kept` */
};
bool bs_trace_is_cut(const struct bs_trace *trace, struct bs_trace_cut *ret);

/* What was called: function_text, else the code of the first event, else CALL as typed. */
struct bs_text bs_trace_name(const struct bs_trace *trace);

/* The text of the line that @p event (a LINE) begins, or "<source not available>". */
struct bs_text bs_trace_source(const struct bs_trace *trace, const struct bs_event *event);

/* The instruction of @p event, which is an OPCODE. */
const struct bs_instruction *bs_trace_instruction(const struct bs_trace *trace,
                                                  const struct bs_event *event);

/*
 * The steps that ran for event number @p index: none, one, or several, which are what ran before it
 * without an event of its own (EXTENDED_ARG, RESUME, MAKE_CELL), the instruction itself, and after
 * a call what only made a generator (COPY_FREE_VARS, RETURN_GENERATOR). None: not an opcode, not
 * timed, or the second half of a superinstruction, whose time is with the first.
 */
const struct bs_step *bs_trace_steps(const struct bs_trace *trace, size_t index, size_t *ret_count);

/*
 * Where the time of an opcode is. Walk events in order, with an instruction @p above that is NULL
 * at first.
 */
enum bs_timed {
    BS_TIMED_ALONE,      /* it has steps, or is no opcode */
    BS_TIMED_WITH_ABOVE, /* it ran as one with the opcode before it, if that is the instruction
                            before it: a superinstruction, or a form that does its work too */
    BS_TIMED_NOT,        /* nowhere: nothing was timed, or no repeat timed it */
};
enum bs_timed bs_trace_timed(const struct bs_trace *trace, size_t index,
                             const struct bs_instruction **above);

/* The opcode that ran for event number @p index: its step's, or as specialised afterwards. */
uint8_t bs_trace_opcode(const struct bs_trace *trace, size_t index);
/* Another form that ran in some of the repeats: it was specialised anew, or no longer; 0: none. */
uint8_t bs_trace_other_opcode(const struct bs_trace *trace, size_t index);

/*
 * Nesting. Walk events in order with a depth that starts at 0: bs_depth_enter() before an event is
 * looked at gives the depth it is shown at, and bs_depth_leave() goes after it.
 */
static inline uint32_t bs_depth_enter(uint32_t *depth, const struct bs_event *event) {
    *depth += event->kind == BS_EVENT_CALL;
    return *depth ? *depth - 1 : 0;
}

static inline void bs_depth_leave(uint32_t *depth, const struct bs_event *event) {
    *depth -= event->kind == BS_EVENT_RETURN && *depth;
}

#endif
