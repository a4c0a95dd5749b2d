/*
 * Getting the agent into an inferior, once. Everything is done by calls of the inferior's own
 * functions with numbers for arguments: mmap for a page to write strings into, memfd_create for
 * the library (so that containers and other users work), dlopen, dlsym. What was made on the way
 * is removed, the memfd's name in the loader's list included; the agent stays loaded.
 *
 * The rules are those that were measured: dlopen alone may have to let other threads run, because
 * one of them may hold the loader's lock; every other call runs on one thread and never blocks.
 */
#ifndef BS_COMMAND_INJECT_H
#define BS_COMMAND_INJECT_H

#include "command/call.h"
#include "command/inferior.h"

#define BS_AGENT_SONAME    "libbytesight_agent.so"
#define BS_AGENT_PROOF_MAX 32

/* What to say when it does not understand us, or we not it. */
#define BS_AGENT_ANOTHER                                                                            \
    "the agent in this process is of another version of bytesight; restart the program to get the " \
    "present one"

/* Where the agent is in one inferior. */
struct bs_agent {
    int pid;
    uint64_t start_time;  /* of the process in clock ticks since boot; 0 where not known */
    uint64_t start_addr;  /* bytesight_start */
    uint64_t run_addr;    /* bytesight_run */
    uint64_t finish_addr; /* bytesight_finish */
    uint8_t proof[BS_AGENT_PROOF_MAX]; /* the code at start_addr: that it is still there */
};

struct bs_session;

/* The remembered agent of the process that @p state describes, NULL: none. Reads memory only. */
struct bs_error *bs_agent_known(struct bs_session *session, const struct bs_host *host,
                                const struct bs_host_state *state, const struct bs_agent **ret);

/* Whether the agent, where it is not loaded yet, can be: it must be for the process's machine. */
struct bs_error *bs_agent_suits(const struct bs_session *session,
                                const struct bs_inferior *inferior);

/*
 * Load the agent, or find the one that an earlier session left. *ret stays valid until the next
 * call; *ret_ran tells that other threads were let run meanwhile, so that what was known of them is
 * out of date.
 */
struct bs_error *bs_agent_load(struct bs_session *session, const struct bs_caller *caller,
                               const struct bs_inferior *inferior, const struct bs_agent **ret,
                               bool *ret_ran);

#endif
