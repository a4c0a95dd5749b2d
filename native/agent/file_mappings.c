#include "agent/file_mappings.h"

#include <sys/mman.h>

/* "start-end rwxp offset major:minor inode   path" */
static bool parse(const char *at, struct bs_file_mapping *ret) {
    uint64_t device;
    at = bs_lines_number(at, 16, &ret->start);
    at = bs_lines_number(at + (*at == '-'), 16, &ret->end);
    if (*at != ' ')
        return false;
    ret->protection = (at[1] == 'r' ? PROT_READ : 0) | (at[2] == 'w' ? PROT_WRITE : 0) |
                      (at[3] == 'x' ? PROT_EXEC : 0);
    ret->shared = at[4] == 's';
    at = bs_lines_number(at + 6, 16, &ret->offset);
    at = bs_lines_number(at + 1, 16, &device);
    at = bs_lines_number(at + 1, 16, &device);
    at = bs_lines_number(at + 1, 10, &ret->inode);
    while (*at == ' ')
        at++;
    ret->path = at;
    return true;
}

void bs_file_mappings_open(struct lines *lines) {
    bs_lines_open(lines, "/proc/self/maps");
}

bool bs_mappings_next(struct lines *lines, struct bs_file_mapping *ret) {
    const char *line = bs_lines_next(lines);
    return line && parse(line, ret);
}

bool bs_file_mappings_next(struct lines *lines, struct bs_file_mapping *ret) {
    while (bs_mappings_next(lines, ret)) {
        if (*ret->path && *ret->path != '[')
            return true;
    }
    return false;
}
