/* Recordings: what was seen before each machine instruction of one run, as it is stepped. */
#ifndef BS_AGENT_WALK_RECORD_H
#define BS_AGENT_WALK_RECORD_H

#include "agent/walk_step.h"

#include <stddef.h>

/* What is about to run: 24 bytes. Every executed instruction has one, in order. */
struct walk_step {
    uint64_t pc_addr : 48;
    uint64_t kind : 7;       /* enum insn_kind */
    uint64_t dispatched : 1; /* this is where the handler of `opcode` begins */
    uint64_t opcode : 8;
    uint64_t stack_addr;
    uint64_t word; /* dispatched: address of the opcode; INSN_SYSCALL: its number */
};

struct walk_recording {
    struct walk_step *steps;
    size_t count, capacity;
    bool cut; /* the run went on, but there was no room for more */
};

/* Room for @p limit instructions: reserved, and only what is used costs memory. */
bool bs_recording_init(struct walk_recording *recording, size_t limit);
void bs_recording_deinit(struct walk_recording *recording);

/*
 * Note @p step, for the callback of bs_step_run(). False: there is no room, and `cut` is set. *ret
 * is what was noted, NULL when it had been noted before. It may be changed until the next call.
 */
bool bs_recording_add(struct walk_recording *recording, const struct step *step,
                      struct walk_step **ret);

_Static_assert(sizeof(struct walk_step) == 24, "a recording is as long as the walk");

#endif
