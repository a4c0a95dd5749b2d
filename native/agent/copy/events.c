#include "agent/copy/events.h"

#include "agent/copy/fdinfo.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#ifndef TFD_IOC_SET_TICKS /* linux/timerfd.h, which glibc's header has not */
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

/* What fdinfo says of one, all that a kind may need; 0 where it says nothing. */
struct told {
    uint64_t count, semaphore; /* the latter since Linux 6.5 */
    uint64_t clock, ticks;
    uint64_t value_s, value_ns, interval_s, interval_ns;
    uint64_t signals;
};

static void read_line(const char *line, struct told *ret) {
    const struct {
        const char *name;
        unsigned int base;
        uint64_t *first, *second; /* the latter of "(1, 2)", or NULL */
    } fields[] = {
        {"eventfd-count:", 16, &ret->count, NULL},
        {"eventfd-semaphore:", 10, &ret->semaphore, NULL},
        {"clockid:", 10, &ret->clock, NULL},
        {"ticks:", 10, &ret->ticks, NULL},
        {"it_value: (", 10, &ret->value_s, &ret->value_ns},
        {"it_interval: (", 10, &ret->interval_s, &ret->interval_ns},
        {"sigmask:", 16, &ret->signals, NULL},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (bs_fdinfo_number(line, fields[i].name, fields[i].base, fields[i].first) &&
            fields[i].second)
            bs_fdinfo_number(line, ", ", 10, fields[i].second);
    }
}

static int make_counter(const struct told *told) {
    const int fd = eventfd(0, told->semaphore ? EFD_SEMAPHORE : 0);
    if (fd >= 0 && told->count) {
        ssize_t written = write(fd, &told->count, sizeof(told->count));
        (void)written;
    }
    return fd;
}

static int make_timer(const struct told *told) {
    const struct timespec interval = {(time_t)told->interval_s, (long)told->interval_ns};
    struct itimerspec when = {interval, {(time_t)told->value_s, (long)told->value_ns}};
    const int fd = timerfd_create((int)told->clock, 0);
    /* It has rung, and nobody has read that yet: then the kernel does not say when the next is. */
    if (!told->value_s && !told->value_ns)
        when.it_value = interval;
    timerfd_settime(fd, 0, &when, NULL);
    if (told->ticks)
        ioctl(fd, TFD_IOC_SET_TICKS, &told->ticks);
    return fd;
}

static int make_signals(const struct told *told) {
    /* By the kernel's own mask, which is shorter than the C library's. */
    return (int)syscall(SYS_signalfd4, -1, &told->signals, sizeof(told->signals), 0);
}

static int make_changes(const struct told *told) {
    (void)told;
    return inotify_init1(0);
}

static const struct {
    const char *name; /* as the kernel has it */
    int (*make)(const struct told *told);
} kinds[] = {
    {"anon_inode:[eventfd]", make_counter},
    {"anon_inode:[timerfd]", make_timer},
    {"anon_inode:[signalfd]", make_signals},
    {"anon_inode:inotify", make_changes},
};

static int make(int fd, int (*make_kind)(const struct told *told)) {
    struct told told = {};
    struct lines lines;
    const char *line;
    bs_fdinfo_open(&lines, fd);
    while ((line = bs_lines_next(&lines)))
        read_line(line, &told);
    bs_lines_close(&lines);
    const int made = make_kind(&told);
    if (made >= 0)
        fcntl(made, F_SETFL, fcntl(fd, F_GETFL));
    return made;
}

int bs_events_make_anew(int fd) {
    char kind[FDINFO_KIND_BYTES];
    for (size_t i = 0; bs_fdinfo_kind(fd, kind) && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!strcmp(kind, kinds[i].name))
            return make(fd, kinds[i].make);
    }
    return -1;
}
