#include "command/process.h"

#include "command/clock.h"
#include "core/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read a small file of /proc whole, terminated; false when it is not there. */
static bool read_file(const char *path, char *ret, size_t size) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    while (fd >= 0 && length < size - 1) {
        ssize_t got = read(fd, ret + length, size - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    ret[length] = '\0';
    return length > 0;
}

/*
 * Field @p number of /proc/PID/stat as proc(5) counts them, 3 or later: they follow the name in
 * brackets, which may itself hold anything.
 */
static bool stat_field(int pid, int number, char *ret, size_t size) {
    char path[32], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (!read_file(path, text, sizeof(text)))
        return false;
    const char *field = strrchr(text, ')');
    for (int i = 2; field && i < number; i++) {
        field = strchr(field, ' ');
        field += field != NULL;
    }
    if (!field)
        return false;
    snprintf(ret, size, "%.*s", (int)strcspn(field, " \n"), field);
    return true;
}

uint64_t bs_process_start_time(int pid) {
    char field[32];
    return stat_field(pid, 22, field, sizeof(field)) ? strtoull(field, NULL, 10) : 0;
}

int64_t bs_process_started_ns(int pid) {
    const int64_t ticks = (int64_t)bs_process_start_time(pid);
    const int64_t tick_ns = (int64_t)BS_NS_PER_S / sysconf(_SC_CLK_TCK);
    const int64_t booted_ns = bs_clock_read_ns(CLOCK_REALTIME) - bs_clock_read_ns(CLOCK_BOOTTIME);
    return ticks ? booted_ns + ticks * tick_ns : 0;
}

bool bs_process_lives(int pid) {
    char state[32];
    return stat_field(pid, 3, state, sizeof(state)) && *state != 'Z' && *state != 'X';
}

/* What follows @p field ("\nNSpid:") in /proc/PID/FILE, in @p text; NULL when there is none. */
static const char *find_field(int pid, const char *file, const char *field, char *text,
                              size_t size) {
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    const char *line = read_file(path, text, size) ? strstr(text, field) : NULL;
    return line ? line + strlen(field) : NULL;
}

static const char *status_line(int pid, const char *field, char *text, size_t size) {
    return find_field(pid, "status", field, text, size);
}

static FILE *open_maps(int pid) {
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/maps", pid);
    return fopen(path, "re");
}

/* A set of signals in /proc/TID/status; 0 where it is not to be had. */
static uint64_t signals_of(int tid, const char *field) {
    char text[4096];
    const char *line = status_line(tid, field, text, sizeof(text));
    return line ? strtoull(line, NULL, 16) : 0;
}

bool bs_process_blocks(int tid, int signal_number) {
    return signals_of(tid, "\nSigBlk:") >> (signal_number - 1) & 1;
}

uint64_t bs_process_waiting(int tid, bool or_thread) {
    return signals_of(tid, "\nShdPnd:") | (or_thread ? signals_of(tid, "\nSigPnd:") : 0);
}

/* A number in /proc/TID/status; -1 where it is not to be had. */
static int status_number(int tid, const char *field) {
    char text[4096];
    const char *line = status_line(tid, field, text, sizeof(text));
    return line ? atoi(line) : -1;
}

/* Filters are inherited, so those of a container in which both of us are count for nothing. */
bool bs_process_filtered(int tid) {
    static const char mode[] = "\nSeccomp:", count[] = "\nSeccomp_filters:"; /* from Linux 5.9 on */
    return status_number(tid, mode) > status_number(getpid(), mode) ||
           status_number(tid, count) > status_number(getpid(), count);
}

int bs_process_inner_pid(int pid) {
    char text[4096];
    const char *line = status_line(pid, "\nNSpid:", text, sizeof(text));
    if (!line)
        return pid;
    size_t length = strcspn(line, "\n"), last = length;
    while (last && line[last - 1] != '\t' && line[last - 1] != ' ')
        last--;
    int inner = atoi(line + last);
    return inner > 0 ? inner : pid;
}

/* Those under /dev and of a memfd never were files that a debugger could have found. */
bool bs_process_deleted_file(int pid, char *ret, size_t size) {
    static const char mark[] = " (deleted)\n";
    char line[PATH_MAX + 128];
    bool found = false;
    FILE *maps = open_maps(pid);
    while (maps && !found && fgets(line, sizeof(line), maps)) {
        char *permissions = strchr(line, ' '), *name = strchr(line, '/');
        char *end = name ? strstr(name, mark) : NULL;
        found = end && permissions[3] == 'x' && strncmp(name, "/memfd:", 7) != 0 &&
                strncmp(name, "/dev/", 5) != 0;
        if (found)
            snprintf(ret, size, "%.*s", (int)(end - name), name);
    }
    if (maps)
        fclose(maps);
    return found;
}

/* To which size the kernel lets the main thread's stack grow. */
static uint64_t stack_limit(int pid) {
    char text[4096];
    const char *line = find_field(pid, "limits", "\nMax stack size", text, sizeof(text));
    if (!line)
        return UINT64_MAX;
    line += strspn(line, " ");
    return *line == 'u' ? UINT64_MAX : strtoull(line, NULL, 10); /* "unlimited" */
}

uint64_t bs_process_stack_room(int pid, uint64_t addr) {
    char line[PATH_MAX + 128];
    uint64_t first = 0, last = 0, room = UINT64_MAX; /* of writable mappings side by side */
    FILE *maps = open_maps(pid);
    while (maps && fgets(line, sizeof(line), maps)) {
        char *rest;
        const uint64_t start = strtoull(line, &rest, 16), end = strtoull(rest + 1, &rest, 16);
        const bool is_writable = rest[0] == ' ' && rest[1] == 'r' && rest[2] == 'w';
        if (start != last)
            first = start;
        if (!is_writable)
            first = end;
        last = end;
        if (!is_writable || addr < start || addr > end)
            continue;
        room = addr - first;
        const uint64_t used = end - addr, limit = strstr(rest, "[stack]") ? stack_limit(pid) : 0;
        if (limit > used && limit - used > room)
            room = limit - used;
        if (addr < end)
            break;
    }
    if (maps)
        fclose(maps);
    return room;
}

bool bs_process_other_root(int pid) {
    char path[32];
    struct stat root, ours;
    snprintf(path, sizeof(path), "/proc/%d/root/", pid);
    return !stat(path, &root) && !stat("/", &ours) &&
           (root.st_dev != ours.st_dev || root.st_ino != ours.st_ino);
}

/* The number in the folder @p path of /proc for which @p matches holds; 0: none. */
static int find_number(const char *path, bool (*matches)(int number, const void *arg),
                       const void *arg) {
    DIR *folder = opendir(path);
    int found = 0;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        int number = atoi(entry->d_name);
        if (number > 0 && matches(number, arg))
            found = number;
    }
    if (folder)
        closedir(folder);
    return found;
}

static bool calls_itself(int tid, const void *inner_tid) {
    return bs_process_inner_pid(tid) == *(const int *)inner_tid;
}

int bs_process_outer_tid(int pid, int inner_tid) {
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    return find_number(path, calls_itself, &inner_tid);
}

struct child {
    int parent, inner_pid;
};

static bool is_child(int pid, const void *arg) {
    const struct child *child = arg;
    char field[32];
    if (!stat_field(pid, 4, field, sizeof(field)) || atoi(field) != child->parent)
        return false;
    return bs_process_lives(pid) && bs_process_inner_pid(pid) == child->inner_pid;
}

int bs_process_child(int parent, int inner_pid) {
    struct child child = {.parent = parent, .inner_pid = inner_pid};
    if (is_child(inner_pid, &child)) /* no namespace between: the usual case */
        return inner_pid;
    return find_number("/proc", is_child, &child);
}
