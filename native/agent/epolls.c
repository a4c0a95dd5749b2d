#include "agent/epolls.h"

#include "agent/lines.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static bool is_epoll(int fd) {
    char path[40], name[32] = "";
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return readlink(path, name, sizeof(name) - 1) > 0 && !strcmp(name, "anon_inode:[eventpoll]");
}

/* The number behind @p name in @p line; 0: there is none. */
static uint64_t field(const char *line, const char *name, unsigned int base) {
    uint64_t value = 0;
    const char *at = strstr(line, name);
    if (!at)
        return 0;
    at += strlen(name);
    bs_lines_number(at + strspn(at, " "), base, &value);
    return value;
}

/* "tfd:        5 events:       19 data: ffffffffffffffff  pos:0 ino:1a sdev:e" (proc(5), fdinfo) */
static void add_what_is_listed(int epoll, const char *line) {
    if (strncmp(line, "tfd:", strlen("tfd:")) != 0)
        return;
    struct epoll_event event = {
        .events = (uint32_t)field(line, " events:", 16),
        .data.u64 = field(line, " data:", 16),
    };
    epoll_ctl(epoll, EPOLL_CTL_ADD, (int)field(line, "tfd:", 10), &event);
}

void bs_epolls_renew(int fd) {
    char path[40];
    const char *line;
    struct lines lines;
    int flags = fcntl(fd, F_GETFD);
    int epoll = is_epoll(fd) ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (epoll < 0)
        return;
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    bs_lines_open(&lines, path);
    while ((line = bs_lines_next(&lines)))
        add_what_is_listed(epoll, line);
    bs_lines_close(&lines);
    dup3(epoll, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
    close(epoll);
}
