/*
 * Connections of the program to others: clients, a server, a database. The copy of the process
 * talks over them as the program would; but where it is ended in the middle, what the other side
 * still says comes to the program, which takes it for an answer to what it asks next.
 */
#ifndef BS_AGENT_COPY_CONNECTIONS_H
#define BS_AGENT_COPY_CONNECTIONS_H

#include <stdbool.h>

/* Whether @p fd is one. A pair of sockets without names (socketpair) is none. */
bool bs_connections_has(int fd);

#endif
