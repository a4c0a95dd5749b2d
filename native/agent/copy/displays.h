/*
 * Connections to a display server. Both sides of one count what passes, so that a program ends when
 * its copy has sent something: the copy is cut off.
 */
#ifndef BS_AGENT_COPY_DISPLAYS_H
#define BS_AGENT_COPY_DISPLAYS_H

#include <stdbool.h>

/* Whether @p fd is such a connection. */
bool bs_displays_has(int fd);

#endif
