/*
 * A file of the kernel's (/proc) line by line, by system calls alone: in signal handlers and with
 * the heap locked.
 */
#ifndef BS_AGENT_LINES_H
#define BS_AGENT_LINES_H

#include <stddef.h>
#include <stdint.h>

#define LINES_BYTES 8192 /* at a time; a line is shorter */

struct lines {
    int fd; /* negative: there are no lines */
    size_t used, at;
    char text[LINES_BYTES + 1];
};

void bs_lines_open(struct lines *lines, const char *path);
/* Without its end; valid until the next one. NULL: there are no more. */
const char *bs_lines_next(struct lines *lines);
void bs_lines_close(struct lines *lines);

/* Read a number of lower-case digits at @p at. Returns what stands behind it. */
const char *bs_lines_number(const char *at, unsigned int base, uint64_t *ret);

#endif
