/*
 * Whether and on which thread a call into the inferior is safe. Nothing here changes anything: it
 * reads memory and walks stacks. A refusal is an error whose sentence has the reason, the frame
 * and the way out.
 */
#ifndef BS_COMMAND_SAFETY_H
#define BS_COMMAND_SAFETY_H

#include "command/host.h"

/* The place from which CALL will be made. */
struct bs_place {
    struct bs_host_state state;
    int tid;               /* the thread that makes the calls */
    uint64_t thread_ident; /* threading.get_ident() of the thread whose names CALL may use */
    uint32_t frame_index;  /* Python frames up from its innermost; BS_FRAME_NONE: __main__ only */
};

/* Fails unless there is a stopped process in which functions can be called. */
struct bs_error *bs_safety_process(const struct bs_host *host, struct bs_host_state *ret);

/* Fails when thread @p tid is inside the allocator, the dynamic loader or the collector. */
struct bs_error *bs_safety_thread(const struct bs_host *host, int tid);

/*
 * All checks, in the order in which a person would want to hear of them: a process, Python, its
 * version, initialised and not finalised; then the thread that holds the GIL, or any Python thread
 * while nobody does, and whether it is in a place where calling is safe. Never waits.
 */
struct bs_error *bs_place_choose(const struct bs_host *host, struct bs_place *ret);

#endif
