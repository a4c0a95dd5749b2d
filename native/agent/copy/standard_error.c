#include "agent/copy/standard_error.h"

#include "agent/syscalls.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* After the line that counts Py_FatalError() prints the stacks of all threads. */
#define KEPT_BYTES 65536
#define TRIM_BYTES (1 << 20)
#define LINES      3 /* the last ones, where no line is known to count */

static const char fatal[] = "Fatal Python error: "; /* Python/pylifecycle.c, fatal_error */

int bs_standard_error_open(void) {
    struct rlimit limit;
    /* Where files must not grow, writing to this one would raise SIGXFSZ. */
    if (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur != RLIM_INFINITY)
        return -1;
    return (int)syscall(SYS_memfd_create, "bytesight-stderr", 1u /* MFD_CLOEXEC */);
}

static off_t size_of(int fd) {
    struct stat status = {.st_size = 0};
    return fd < 0 || bs_sys_fstat(fd, &status) ? 0 : status.st_size;
}

void bs_standard_error_trim(int fd) {
    static off_t trimmed;
    const off_t size = size_of(fd);
    if (size - trimmed < TRIM_BYTES)
        return;
    trimmed = size - KEPT_BYTES;
    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, trimmed);
}

/* The last line of Py_FatalError()'s in @p text, or NULL. */
static const char *find_fatal(const char *text) {
    const char *found = NULL;
    for (const char *at = text; (at = strstr(at, fatal)); at++)
        found = at == text || at[-1] == '\n' ? at : found;
    return found;
}

/* Where the last LINES lines of @p text begin that are not empty. */
static const char *find_last_lines(const char *text) {
    const char *at = text + strlen(text);
    for (int lines = 0; at > text; at--) {
        lines += at[-1] == '\n' && *at && *at != '\n';
        if (lines == LINES)
            break;
    }
    return at;
}

/* @p text until @p end, white space together as one space. */
static void copy_words(const char *text, const char *end, char *ret, size_t bytes) {
    size_t length = 0;
    bool space = false;
    for (; text < end && length + 2 < bytes; text++) {
        if (isspace((unsigned char)*text) || !*text) {
            space = length > 0;
            continue;
        }
        if (space)
            ret[length++] = ' ';
        space = false;
        ret[length++] = *text;
    }
    ret[length] = '\0';
}

void bs_standard_error_words(int fd, char *ret, size_t bytes) {
    static char text[KEPT_BYTES + 1]; /* the watcher's; it has one thread */
    const off_t size = size_of(fd), start = size > KEPT_BYTES ? size - KEPT_BYTES : 0;
    const ssize_t length = size ? pread(fd, text, KEPT_BYTES, start) : 0;
    ret[0] = '\0';
    if (length <= 0)
        return;
    text[length] = '\0';
    const char *found = find_fatal(text);
    if (found) {
        copy_words(found, found + strcspn(found, "\n"), ret, bytes);
        return;
    }
    const int said = snprintf(ret, bytes, "it last wrote to standard error: ");
    found = find_last_lines(text);
    copy_words(found, text + length, ret + said, bytes - (size_t)said);
    if (!ret[said])
        ret[0] = '\0';
}
