#include "core/output.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct bs_error *failed(const char *what, const char *path) {
    return bs_error_create(BS_ERROR_OS, "cannot %s %s: %s", what, path, strerror(errno));
}

/* Sets what is to be replaced: the file that @p path leads to, or @p path itself. */
static struct bs_error *resolve(const char *path, char **ret) {
    struct stat status;
    if (stat(path, &status)) {
        *ret = strdup(path);
        return *ret ? NULL : &bs_enomem;
    }
    if (!S_ISREG(status.st_mode))
        return bs_error_create(BS_ERROR_OS, "cannot write to %s: it is not a regular file", path);
    *ret = realpath(path, NULL);
    return *ret ? NULL : failed("resolve", path);
}

/* The mode that open() would have given: mkstemp() allows the owner only. */
static void allow_others(int fd) {
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
}

struct bs_error *bs_output_open(const char *path, struct bs_output *ret) {
    struct bs_output output = {.fd = -1};
    struct bs_error *err = resolve(path, &output.path);
    if (err)
        return err;
    if (asprintf(&output.temporary, "%s.XXXXXX", output.path) < 0) {
        output.temporary = NULL;
        err = &bs_enomem;
    } else {
        output.fd = mkstemp(output.temporary);
        if (output.fd < 0) {
            err = failed("create", path);
            free(output.temporary);
            output.temporary = NULL;
        }
    }
    if (err) {
        bs_output_deinit(&output);
        return err;
    }
    allow_others(output.fd);
    *ret = output;
    return NULL;
}

void bs_output_deinit(struct bs_output *output) {
    if (output->fd >= 0)
        close(output->fd);
    if (output->temporary)
        unlink(output->temporary);
    free(output->temporary);
    free(output->path);
    *output = (struct bs_output){.fd = -1};
}

struct bs_error *bs_output_write(struct bs_output *output, const void *data, size_t length) {
    const char *at = data;
    while (length) {
        ssize_t written = write(output->fd, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return failed("write to", output->path);
        at += written;
        length -= (size_t)written;
    }
    return NULL;
}

struct bs_error *bs_output_commit(struct bs_output *output) {
    int fd = output->fd;
    output->fd = -1;
    int synced = fsync(fd), problem = errno;
    int closed = close(fd);
    if (synced) {
        errno = problem;
        return failed("write to", output->path);
    }
    if (closed)
        return failed("write to", output->path);
    if (rename(output->temporary, output->path))
        return failed("write to", output->path);
    free(output->temporary);
    output->temporary = NULL;
    return NULL;
}
