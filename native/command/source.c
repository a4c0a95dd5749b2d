#include "command/source.h"

#include "command/clock.h"
#include "command/encoding.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/*
 * Where we find what the program calls @p path: the directories of its root and its own are links
 * in /proc. False where the name is longer than one can be, or none.
 */
static bool find_path(const struct bs_host_state *state, struct bs_text path,
                      char ret[static PATH_MAX]) {
    const bool absolute = path.length && path.data[0] == '/';
    int start = 0;
    if (memchr(path.data, '\0', path.length))
        return false;
    if (state->kind == BS_HOST_LIVE)
        start = snprintf(ret, PATH_MAX, "/proc/%d/%s/", state->pid, absolute ? "root" : "cwd");
    if (path.length >= PATH_MAX - (size_t)start)
        return false;
    snprintf(ret + start, PATH_MAX - (size_t)start, "%.*s", (int)path.length, path.data);
    return true;
}

/* The file, or -1. The name is the target's: only regular files are opened, and nothing waits. */
static int open_file(const struct bs_host_state *state, struct bs_text path,
                     struct stat *ret_status) {
    char full[PATH_MAX];
    if (!find_path(state, path, full))
        return -1;
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    if (!fstat(fd, ret_status) && S_ISREG(ret_status->st_mode) &&
        ret_status->st_size <= BS_SOURCE_BYTES_MAX)
        return fd;
    close(fd);
    return -1;
}

static struct bs_error *read_file(int fd, size_t size, struct bs_source *source) {
    source->data = malloc(size + 1);
    if (!source->data)
        return &bs_enomem;
    while (source->length < size) {
        ssize_t got = read(fd, source->data + source->length, size - source->length);
        if (got <= 0)
            break;
        source->length += (size_t)got;
    }
    return NULL;
}

#define BOM "\xef\xbb\xbf"

/* Into UTF-8, as Python reads it: by its byte order mark, else by what it says itself. */
static struct bs_error *decode(struct bs_source *source) {
    char name[BS_ENCODING_NAME_MAX];
    const size_t bom = sizeof(BOM) - 1;
    if (source->length >= bom && !memcmp(source->data, BOM, bom)) {
        source->length -= bom;
        memmove(source->data, source->data + bom, source->length);
        return NULL;
    }
    bs_encoding_find(source->data, source->length, name);
    if (!strcasecmp(name, "UTF-8"))
        return NULL;
    _cleanup_buffer_ struct bs_buffer decoded = BS_BUFFER_INIT;
    if (!bs_encoding_decode(name, source->data, source->length, &decoded))
        return NULL; /* shown as it is: what is ASCII can be read */
    struct bs_error *error = bs_buffer_status(&decoded);
    if (error || !decoded.data)
        return error;
    free(source->data);
    source->data = bs_take(decoded.data);
    source->length = decoded.length;
    return NULL;
}

/* Whether a line ends with byte @p i: \n, \r\n and \r do that, in Python. */
static bool ends_line(const struct bs_source *source, size_t i) {
    if (source->data[i] != '\r')
        return source->data[i] == '\n';
    return i + 1 == source->length || source->data[i + 1] != '\n';
}

static struct bs_error *find_lines(struct bs_source *source) {
    size_t count = 1;
    for (size_t i = 0; i < source->length; i++)
        count += ends_line(source, i);
    source->starts = calloc(count + 1, sizeof(*source->starts));
    if (!source->starts)
        return &bs_enomem;
    for (size_t i = 0; i < source->length; i++) {
        if (ends_line(source, i))
            source->starts[++source->line_count] = i + 1;
    }
    source->starts[++source->line_count] = source->length;
    return NULL;
}

struct bs_error *bs_source_load(const struct bs_host_state *state, struct bs_text path,
                                struct bs_source *ret) {
    struct stat status;
    *ret = (struct bs_source){};
    _cleanup_close_ int fd = open_file(state, path, &status);
    if (fd < 0)
        return NULL;
    struct bs_error *error = read_file(fd, (size_t)status.st_size, ret);
    if (!error)
        error = decode(ret);
    if (!error)
        error = find_lines(ret);
    if (error)
        bs_source_deinit(ret);
    return error;
}

int64_t bs_source_time_ns(const struct bs_host_state *state, struct bs_text path) {
    struct stat status;
    _cleanup_close_ int fd = open_file(state, path, &status);
    return fd < 0 ? 0 : bs_clock_ns(status.st_mtim);
}

void bs_source_deinit(struct bs_source *source) {
    free(source->data);
    free(source->starts);
    *source = (struct bs_source){};
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct bs_text bs_source_line(const struct bs_source *source, uint32_t line) {
    if (!line || line > source->line_count)
        return (struct bs_text){"", 0};
    const char *start = source->data + source->starts[line - 1];
    const char *end = source->data + source->starts[line];
    while (start < end && is_blank(*start))
        start++;
    while (start < end && is_blank(end[-1]))
        end--;
    return (struct bs_text){start, (size_t)(end - start)};
}
