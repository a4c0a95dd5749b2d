#include "command/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

void bs_memory_init(struct bs_memory *memory, const struct bs_host *host,
                    const struct bs_host_state *state) {
    char path[32];
    *memory = (struct bs_memory){.host = host, .fd = -1};
    if (state->kind != BS_HOST_LIVE || state->pid <= 0)
        return;
    snprintf(path, sizeof(path), "/proc/%d/mem", state->pid);
    memory->fd = open(path, O_RDWR | O_CLOEXEC);
}

void bs_memory_deinit(struct bs_memory *memory) {
    bs_cleanup_close(&memory->fd);
    memory->fd = -1;
}

/* True when all of it could be had; what cannot be had is then asked of the host. */
static bool read_directly(int fd, uint64_t addr, void *ret, size_t length) {
    char *out = ret;
    while (length) {
        if (addr > INT64_MAX) /* off_t */
            return false;
        ssize_t got = pread(fd, out, length, (off_t)addr);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        out += got;
        addr += (uint64_t)got;
        length -= (size_t)got;
    }
    return true;
}

static bool write_directly(int fd, uint64_t addr, const void *data, size_t length) {
    const char *in = data;
    while (length) {
        if (addr > INT64_MAX)
            return false;
        ssize_t put = pwrite(fd, in, length, (off_t)addr);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        in += put;
        addr += (uint64_t)put;
        length -= (size_t)put;
    }
    return true;
}

struct bs_error *bs_memory_read(const struct bs_memory *memory, uint64_t addr, void *ret,
                                size_t length) {
    if (memory->fd >= 0 && read_directly(memory->fd, addr, ret, length))
        return NULL;
    return memory->host->target.read(memory->host->target.arg, addr, ret, length);
}

struct bs_error *bs_memory_write(const struct bs_memory *memory, uint64_t addr, const void *data,
                                 size_t length) {
    if (memory->fd >= 0 && write_directly(memory->fd, addr, data, length))
        return NULL;
    return memory->host->write_memory(memory->host->arg, addr, data, length);
}

static struct bs_error *note(struct bs_memory *memory, struct bs_error *error) {
    memory->interrupted |= error && error->code == BS_ERROR_INTERRUPTED;
    return error;
}

static struct bs_error *target_read(void *arg, uint64_t addr, void *ret, size_t length) {
    struct bs_memory *memory = arg;
    if (memory->interrupted)
        return &bs_interrupted;
    return note(memory, bs_memory_read(memory, addr, ret, length));
}

static struct bs_error *target_lookup(void *arg, const char *name, uint64_t *ret_addr) {
    struct bs_memory *memory = arg;
    const struct bs_target *target = &memory->host->target;
    if (memory->interrupted)
        return &bs_interrupted;
    return note(memory, target->lookup(target->arg, name, ret_addr));
}

static struct bs_error *target_modules(void *arg, bs_module_fn fn, void *fn_arg) {
    struct bs_memory *memory = arg;
    const struct bs_target *target = &memory->host->target;
    if (memory->interrupted)
        return &bs_interrupted;
    return note(memory, target->modules(target->arg, fn, fn_arg));
}

struct bs_target bs_memory_target(struct bs_memory *memory) {
    return (struct bs_target){
        .arg = memory,
        .read = target_read,
        .lookup = target_lookup,
        .modules = target_modules,
    };
}
