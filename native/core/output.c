#include "core/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* symbolic links on the way, as the kernel has it */

static struct bs_error *failed(const char *what, const char *path) {
    return bs_error_create(BS_ERROR_OS, "cannot %s %s: %s", what, path, strerror(errno));
}

/* Where the symbolic link @p path points, seen from where @p path is seen. */
static struct bs_error *follow(const char *path, char **ret) {
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length < 0)
        return failed("write to", path);
    target[length] = '\0';
    const char *slash = strrchr(path, '/');
    int folder = slash && target[0] != '/' ? (int)(slash + 1 - path) : 0;
    if (asprintf(ret, "%.*s%s", folder, path, target) < 0) {
        *ret = NULL;
        return &bs_enomem;
    }
    return NULL;
}

/* Nothing is there; @p path may be a symbolic link all the same, whose target is to be made. */
static struct bs_error *resolve_new(const char *path, char **ret) {
    struct stat status;
    char *at = strdup(path);
    struct bs_error *err = at ? NULL : &bs_enomem;
    for (int i = 0; !err && i < LINKS_MAX && !lstat(at, &status) && S_ISLNK(status.st_mode); i++) {
        char *next = NULL;
        err = follow(at, &next);
        free(at);
        at = next;
    }
    *ret = at;
    return err;
}

/* The mode that open() would give: mkostemp() allows the owner only. */
static mode_t usual_mode(void) {
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* Sets what is to be made or replaced, the file that @p path leads to, and the mode it is to have.
 */
static struct bs_error *resolve(const char *path, char **ret, mode_t *ret_mode) {
    struct stat status;
    if (stat(path, &status)) {
        *ret_mode = usual_mode();
        return errno == ENOENT ? resolve_new(path, ret) : failed("write to", path);
    }
    if (!S_ISREG(status.st_mode))
        return bs_error_create(BS_ERROR_OS, "cannot write to %s: it is not a regular file", path);
    *ret_mode = status.st_mode & 07777;
    *ret = realpath(path, NULL);
    return *ret ? NULL : failed("resolve", path);
}

struct bs_error *bs_output_open(const char *path, struct bs_output *ret) {
    struct bs_output output = {.fd = -1};
    mode_t mode = 0;
    struct bs_error *err = resolve(path, &output.path, &mode);
    if (err)
        return err;
    if (asprintf(&output.temporary, "%s.XXXXXX", output.path) < 0) {
        output.temporary = NULL;
        err = &bs_enomem;
    } else {
        output.fd = mkostemp(output.temporary, O_CLOEXEC);
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
    fchmod(output.fd, mode);
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
