/*
 * Which register or word holds the address of the instruction that is dispatched, and where in a
 * run of code addresses the table begins: by experiment. A known function has run under stubs that
 * noted all of them (struct bs_holder_record). Wanted is the one for which, at every dispatch, the
 * byte at its address is the opcode whose stub ran. That a value lies inside the code is not
 * enough: others do, almost as often.
 *
 * Pure: no Python, nothing is run here.
 */
#ifndef BS_AGENT_PROBE_INFER_H
#define BS_AGENT_PROBE_INFER_H

#include "agent/probe/holder.h"

/* The bytecode of the known function, or the object that contains it: readable memory. */
struct bs_code_range {
    uintptr_t start_addr, end_addr; /* end exclusive */
};

struct bs_inference {
    int number;           /* of the holder */
    int32_t offset_bytes; /* from what it holds to the instruction */
    uint32_t base;        /* entry of the run that stands for opcode 0 */
};

/*
 * Infer from the @p count records of one call of the function in @p range, after enough calls that
 * its bytecode does not change any more. The last record may lie outside: from 3.12 on the
 * evaluator leaves by way of an instruction of its own. False: nothing fits all of them.
 */
bool bs_infer(const struct bs_holder_record *records, size_t count, struct bs_code_range range,
              uint32_t entries, struct bs_inference *ret);

#endif
