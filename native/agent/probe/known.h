/*
 * Python functions of the agent's own whose bytecode and path are known: what experiments on the
 * interpreter are made with.
 */
#ifndef BS_AGENT_PROBE_KNOWN_H
#define BS_AGENT_PROBE_KNOWN_H

#include "agent/probe/infer.h"
#include "agent/python.h"

struct bs_known {
    PyObject *function; /* owned; takes no arguments */
    PyObject *code;     /* owned */
    PyObject *bytecode; /* owned: bytes, co_code: base opcodes, caches zeroed */
    const unsigned char *units;
    size_t unit_count;
};

/* One of several kinds of opcode, in loops, that calls no other Python code: for bs_infer. */
bool bs_known_loop(struct bs_known *ret);
/*
 * Two to prove by: @p ret_outer has no jumps, so that each of its instructions is executed once, in
 * order, and it calls @p ret_inner, which has none either, BS_KNOWN_INNER_CALLS times.
 */
bool bs_known_straight(struct bs_known *ret_outer, struct bs_known *ret_inner);
#define BS_KNOWN_INNER_CALLS 2
void bs_known_deinit(struct bs_known *known);

/* Call it. False: it raised; no exception stays set. */
bool bs_known_call(const struct bs_known *known);
/* Call it as often as it takes until all of its instructions have their final form. */
bool bs_known_warm_up(const struct bs_known *known);

/*
 * bs_infer() from the @p count records of one call of @p known, wherever its bytecode is: in its
 * bytes object, or in the code object itself. Leaves no exception.
 */
bool bs_known_infer(const struct bs_known *known, const struct bs_holder_record *records,
                    size_t count, uint32_t entries, struct bs_inference *ret);

/* Instructions in order, from @p unit on: skips caches; unit_count at the end. */
size_t bs_known_instruction(const struct bs_known *known, size_t unit);

#endif
