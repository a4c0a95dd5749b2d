/* File descriptors of the worker: what it does with them is to be no matter of the program's. */
#ifndef BS_AGENT_DESCRIPTORS_H
#define BS_AGENT_DESCRIPTORS_H

#include <stdbool.h>

/*
 * Make /dev/null of descriptors 0, 1 and 2, of every descriptor that is a terminal, and of every
 * other one for the same file or pipe as 0, 1 or 2 were: nothing that is printed may reach the
 * program's terminal. But 2 becomes @p error, which goes, unless that is -1. The first holds of
 * connections to a display (displays.h): whether there were any is returned. Make epoll instances
 * our own (epolls.h). The rest stay open.
 */
bool bs_descriptors_separate(int error);

#endif
