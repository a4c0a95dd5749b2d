/*
 * The mappings of files and of what else has a name in this process (not the kernel's own, as
 * [stack]), one after the other, for signal handlers and for a worker whose heap may be locked:
 * nothing is allocated and no function of the C library is called.
 */
#ifndef BS_AGENT_FILE_MAPPINGS_H
#define BS_AGENT_FILE_MAPPINGS_H

#include "agent/lines.h"

#include <stdbool.h>
#include <stdint.h>

/* As a line of /proc/self/maps has it. */
struct bs_file_mapping {
    uint64_t start, end, offset, inode;
    int protection;
    bool shared;
    const char *path; /* terminated, empty for memory without; valid until the next one */
};

void bs_file_mappings_open(struct lines *lines);
/* The next one; false: there is none. To be closed as other lines. */
bool bs_file_mappings_next(struct lines *lines, struct bs_file_mapping *ret);
/* The same of all mappings. */
bool bs_mappings_next(struct lines *lines, struct bs_file_mapping *ret);

#endif
