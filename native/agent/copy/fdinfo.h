/* What the kernel tells of an open descriptor: /proc/self/fd, and /proc/self/fdinfo (proc(5)). */
#ifndef BS_AGENT_COPY_FDINFO_H
#define BS_AGENT_COPY_FDINFO_H

#include "agent/lines.h"

#include <stdbool.h>

#define FDINFO_KIND_BYTES 32

/* What @p fd is of, "anon_inode:[eventpoll]" for instance; false: that is longer, or not told. */
bool bs_fdinfo_kind(int fd, char ret[FDINFO_KIND_BYTES]);

/* Its lines, to be closed with bs_lines_close(). */
void bs_fdinfo_open(struct lines *lines, int fd);

/* The number behind @p name in @p line; false: there is none. */
bool bs_fdinfo_number(const char *line, const char *name, unsigned int base, uint64_t *ret);

#endif
