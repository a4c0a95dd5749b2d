/*
 * Stubs: what stands in the dispatch table while the probe is on. This header is the same for every
 * architecture; stubs_x86_64.c is the first to implement it, stubs_none.c says that there are none.
 *
 * The interpreter jumps to the handler of each instruction through the table. A stub is jumped to
 * instead. On the traced thread it notes where the interpreter is, and when; then it jumps on to
 * the handler, every register as it was. On other threads it jumps on at once.
 *
 * A stub writes one record and decides nothing: what to do at each dispatch is prepared in the
 * records themselves (`action`). That keeps a stub short, and lets a run take the time at some
 * dispatches only, in any pattern. A pattern that is the same from run to run is one that the
 * processor's branch prediction learns; one that is not would disturb what is measured. Stubs of
 * another kind, for experiments that take no time, call a function at each dispatch.
 */
#ifndef BS_AGENT_PROBE_STUBS_H
#define BS_AGENT_PROBE_STUBS_H

#include "agent/probe/holder.h"
#include "agent/probe/table.h"

#include <stddef.h>
#include <stdint.h>

/* What a stub does when it finds this in the record whose turn it is. Never overwritten. */
enum bs_action {
    BS_ACTION_PASS,  /* note the place only */
    BS_ACTION_STAMP, /* note the place and the time */
    BS_ACTION_DRAIN, /* call `drain`, and look again */
    BS_ACTION_IDLE,  /* nothing: it stays this record's turn */
};

/* One dispatch: 16 bytes. */
struct bs_record {
    uint64_t stamp : 48; /* of the time-stamp counter, modulo 2^48: a day; PASS does not write it */
    uint64_t : 8;
    uint64_t action : 8; /* enum bs_action */
    uint64_t value : 56; /* that of the holder */
    uint64_t opcode : 8; /* whose handler is run */
};

/* All registers at one dispatch: what a stub pushes. */
struct bs_register_record {
    uint64_t value[BS_MACHINE_REGISTERS];
    uint64_t return_addr; /* into the stub */
    uint64_t entry;       /* index into the table */
};

/* What stubs and their owner share. All of it is set before the stubs go into the table. */
struct bs_stub_control {
    void *cursor; /* RECORD only: the record whose turn it is */
    /*
     * Called on the traced thread between two instructions of the interpreter: no lock of the C
     * library is held, but Python must not be run. Of kind RECORD it leaves `cursor` at a record
     * that is not DRAIN.
     */
    void (*drain)(struct bs_stub_control *control);
    void *owner;                           /* for drain */
    const struct bs_register_record *here; /* while drain runs: the dispatch that called it */
    uint64_t saved[3];                     /* registers, while a stub runs */
};

enum bs_stub_kind {
    BS_STUBS_RECORD,    /* write struct bs_record */
    BS_STUBS_REGISTERS, /* call `drain` at each dispatch */
};

struct bs_stubs {
    struct bs_stub_control *control;
    void **entries; /* what to write into the table; owned */
    void *mapping;
    size_t mapping_bytes;
};

/* Why there can be no stubs on this architecture: a clause, or NULL where there can. */
const char *bs_stubs_unsupported(void);
/* The name of register @p index, for people. */
const char *bs_stubs_register_name(int index);
/* Registers that lead to the frame of the function that runs. */
extern const struct bs_frame_base bs_stubs_frame_bases[BS_FRAME_BASES];

/*
 * Make stubs for @p table that record the calling thread; those of kind RECORD note what @p holder
 * holds, which the others do not need. Returns 0 or an errno: ENOMEM also when there is no room
 * within reach of the handlers.
 */
int bs_stubs_create(const struct bs_table *table, enum bs_stub_kind kind,
                    const struct bs_holder *holder, struct bs_stubs *ret);
/* The table must not point to them any more. */
void bs_stubs_destroy(struct bs_stubs *stubs);

_Static_assert(sizeof(struct bs_record) == 16, "the stubs write this layout");
_Static_assert(sizeof(struct bs_register_record) == 8 * (BS_MACHINE_REGISTERS + 2),
               "the stubs push this layout");

#endif
