/*
 * Getting the agent into an inferior, once. Everything is done by calls of the inferior's own
 * functions with numbers for arguments: mmap for a page to write strings into, memfd_create for
 * the library where its memory can be reached through /proc (so that containers and other users
 * work), dlopen, dlsym. What was made on the way is removed; the agent stays loaded.
 *
 * The rules are those that were measured: dlopen alone lets other threads run, because another
 * thread may hold the loader's lock; every other call runs on one thread and never blocks.
 */
#ifndef BS_COMMAND_INJECT_H
#define BS_COMMAND_INJECT_H

#include "command/host.h"

/* Where the agent is in one inferior. */
struct bs_agent {
    int pid;
    uint64_t start_time;  /* of the process in clock ticks since boot; 0 where not known */
    uint64_t start_addr;  /* bytesight_start */
    uint64_t finish_addr; /* bytesight_finish */
    uint64_t probe_word;  /* eight bytes at start_addr: they prove that it is still there */
};

/* A page of the inferior, mapped for us. */
struct bs_page {
    uint64_t addr;
    size_t length_bytes;
};

struct bs_session;

/* The remembered agent of the process that @p state describes, or NULL; reads memory only. */
const struct bs_agent *bs_agent_known(struct bs_session *session, const struct bs_host *host,
                                      const struct bs_host_state *state);

/*
 * Load the agent, on thread @p tid, or find the one that is loaded. *ret stays valid until the
 * next call.
 */
struct bs_error *bs_agent_load(struct bs_session *session, const struct bs_host *host,
                               const struct bs_host_state *state, int tid,
                               const struct bs_agent **ret);

/* Map and unmap memory of the inferior; unmapping forgets the page, also when it fails. */
struct bs_error *bs_page_map(const struct bs_host *host, int tid, size_t length_bytes,
                             struct bs_page *ret);
struct bs_error *bs_page_unmap(const struct bs_host *host, int tid, struct bs_page *page);

#endif
