#include "agent/copy/epolls.h"

#include "agent/copy/descriptors.h"
#include "agent/copy/fdinfo.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static bool is_epoll(int fd) {
    char kind[FDINFO_KIND_BYTES];
    return bs_fdinfo_kind(fd, kind) && !strcmp(kind, "anon_inode:[eventpoll]");
}

/* "tfd:        5 events:       19 data: ffffffffffffffff  pos:0 ino:1a sdev:e" (proc(5), fdinfo) */
static void add_what_is_listed(int epoll, const char *line) {
    uint64_t fd, events, data;
    if (!bs_fdinfo_number(line, "tfd:", 10, &fd) ||
        !bs_fdinfo_number(line, " events:", 16, &events) ||
        !bs_fdinfo_number(line, " data:", 16, &data))
        return;
    struct epoll_event event = {.events = (uint32_t)events, .data.u64 = data};
    epoll_ctl(epoll, EPOLL_CTL_ADD, (int)fd, &event);
}

void bs_epolls_renew(int fd) {
    const char *line;
    struct lines lines;
    int epoll = is_epoll(fd) ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (epoll < 0)
        return;
    bs_fdinfo_open(&lines, fd);
    while ((line = bs_lines_next(&lines)))
        add_what_is_listed(epoll, line);
    bs_lines_close(&lines);
    bs_descriptors_replace(fd, epoll);
    close(epoll);
}
