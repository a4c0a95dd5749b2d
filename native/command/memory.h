/*
 * The inferior's memory, read past the debugger where that is possible: through /proc/PID/mem when
 * the process is on this machine (many times faster, and never out of a debugger's cache, which
 * matters while a clone writes), else through the host.
 */
#ifndef BS_COMMAND_MEMORY_H
#define BS_COMMAND_MEMORY_H

#include "command/host.h"

struct bs_memory {
    const struct bs_host *host;
    int fd;           /* of /proc/PID/mem, -1: not used */
    bool interrupted; /* see bs_memory_target */
};

/* Never fails: without /proc the host does it all. */
void bs_memory_init(struct bs_memory *memory, const struct bs_host *host,
                    const struct bs_host_state *state);
void bs_memory_deinit(struct bs_memory *memory);

/*
 * A target that reads this way and asks the host for the rest. Borrows @p memory. After a Ctrl-C it
 * does nothing any more, and says so in `interrupted`: a reader that takes an unreadable field for
 * an absent one must not lose it.
 */
struct bs_target bs_memory_target(struct bs_memory *memory);

struct bs_error *bs_memory_read(const struct bs_memory *memory, uint64_t addr, void *ret,
                                size_t length);
struct bs_error *bs_memory_write(const struct bs_memory *memory, uint64_t addr, const void *data,
                                 size_t length);

#endif
