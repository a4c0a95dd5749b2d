/*
 * Memory that a program shares with other processes: a server's counters and locks, a database's
 * buffers. A copy of the process shares it too: what CALL wrote there would be changed in the
 * program, and for a lock that CALL holds at its end everybody would wait for ever. Nor may the
 * copy have a copy of it, which would know nothing of what the others do with the files, pipes and
 * sockets that go with it. So it is there to be read; who writes to it needs the program itself.
 */
#ifndef BS_AGENT_COPY_SHARED_MEMORY_H
#define BS_AGENT_COPY_SHARED_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * From now on this process can only read such memory, but for the mapping that begins at @p ours.
 * Mapped files stay as they are: what is written to them leaves the process, as with write().
 */
void bs_shared_memory_protect(const void *ours);

/* Whether @p addr is in memory that was protected; async-signal-safe. */
bool bs_shared_memory_has(uint64_t addr);

#endif
