/* File descriptors of the worker: what it does with them is to be no matter of the program's. */
#ifndef BS_AGENT_COPY_DESCRIPTORS_H
#define BS_AGENT_COPY_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Nothing that is printed may reach the program's terminal: descriptors 0, 1 and 2 become
 * /dev/null, and so does every descriptor that is a terminal, or the same file or pipe as 0, 1 or 2
 * were, or a connection to a display (displays.h). But 2 becomes @p error, which goes, unless that
 * is -1. Files (files.h), what tells of events (events.h) and epoll instances (epolls.h) become our
 * own, no more shared with @p original, the process that was copied. The rest stays open. Adds to
 * @p flags BS_IMAGE_DISPLAY where there were connections to a display, and BS_IMAGE_CONNECTED where
 * there are others (connections.h). False: not as many can be open as that takes.
 */
bool bs_descriptors_separate(pid_t original, int error, uint32_t *flags);

/* Make @p fd what @p by is, which stays; but whether exec() closes it is as it was. */
void bs_descriptors_replace(int fd, int by);

/* Visit all descriptors but the one that this takes itself. Allocates nothing. */
void bs_descriptors_visit(void (*visit)(void *arg, int fd), void *arg);

#endif
