#include "agent/lines.h"

#include "agent/syscalls.h"

#include <fcntl.h>

void bs_lines_open(struct lines *lines, const char *path) {
    lines->used = lines->at = 0;
    lines->fd = bs_sys_open(path, O_RDONLY | O_CLOEXEC);
}

void bs_lines_close(struct lines *lines) {
    if (lines->fd >= 0)
        bs_sys_close(lines->fd);
}

const char *bs_lines_next(struct lines *lines) {
    for (;;) {
        for (size_t i = lines->at; i < lines->used; i++) {
            if (lines->text[i] == '\n') {
                const char *line = lines->text + lines->at;
                lines->text[i] = '\0';
                lines->at = i + 1;
                return line;
            }
        }
        size_t rest = lines->used - lines->at;
        for (volatile size_t i = 0; i < rest; i++) /* volatile: not a call of memmove */
            lines->text[i] = lines->text[lines->at + i];
        lines->at = 0;
        long got =
            rest < LINES_BYTES ? bs_sys_read(lines->fd, lines->text + rest, LINES_BYTES - rest) : 0;
        if (got <= 0)
            return NULL;
        lines->used = rest + (size_t)got;
    }
}

const char *bs_lines_number(const char *at, unsigned int base, uint64_t *ret) {
    uint64_t value = 0;
    for (;; at++) {
        unsigned int digit = *at >= '0' && *at <= '9'   ? (unsigned int)(*at - '0')
                             : *at >= 'a' && *at <= 'f' ? (unsigned int)(*at - 'a') + 10
                                                        : 16;
        if (digit >= base)
            break;
        value = value * base + digit;
    }
    *ret = value;
    return at;
}
