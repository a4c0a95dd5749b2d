#include "agent/copy/fdinfo.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 40

bool bs_fdinfo_kind(int fd, char ret[FDINFO_KIND_BYTES]) {
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(path, ret, FDINFO_KIND_BYTES);
    if (length <= 0 || length == FDINFO_KIND_BYTES)
        return false;
    ret[length] = '\0';
    return true;
}

void bs_fdinfo_open(struct lines *lines, int fd) {
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    bs_lines_open(lines, path);
}

bool bs_fdinfo_number(const char *line, const char *name, unsigned int base, uint64_t *ret) {
    const char *at = strstr(line, name);
    if (!at)
        return false;
    at += strlen(name);
    bs_lines_number(at + strspn(at, " \t"), base, ret);
    return true;
}
