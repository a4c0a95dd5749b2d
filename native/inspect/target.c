#include "inspect/target.h"

#include <string.h>

static struct bs_error *read_word(const struct bs_target *target, uint64_t addr, const char *what,
                                  void *ret, size_t length) {
    uint8_t bytes[8];
    struct bs_error *error = target->read(target->arg, addr, bytes, length);
    if (!error) {
        memcpy(ret, bytes, length);
        return NULL;
    }
    if (error->code != BS_ERROR_FAULT)
        return error;
    bs_error_destroy(error);
    return bs_error_fault(addr, what);
}

struct bs_error *bs_read_u64(const struct bs_target *target, uint64_t addr, const char *what,
                             uint64_t *ret) {
    return read_word(target, addr, what, ret, sizeof(*ret));
}

struct bs_error *bs_read_u32(const struct bs_target *target, uint64_t addr, const char *what,
                             uint32_t *ret) {
    return read_word(target, addr, what, ret, sizeof(*ret));
}

struct bs_error *bs_read_bytes(const struct bs_target *target, uint64_t addr, const char *what,
                               void *ret, size_t length) {
    struct bs_error *error = length ? target->read(target->arg, addr, ret, length) : NULL;
    if (!error || error->code != BS_ERROR_FAULT)
        return error;
    bs_error_destroy(error);
    return bs_error_fault(addr, what);
}

struct bs_error *bs_read_string(const struct bs_target *target, uint64_t addr, const char *what,
                                char *ret, size_t size) {
    struct bs_error *error = NULL;
    size_t length = 0;
    memset(ret, 0, size);
    /* By aligned words: it may end just before memory does. */
    for (size_t i = 0; !error && i < size - 1 && !memchr(ret, 0, i); i += length) {
        const size_t word = 8 - (addr + i) % 8;
        length = word < size - 1 - i ? word : size - 1 - i;
        error = bs_read_bytes(target, addr + i, what, ret + i, length);
    }
    return error;
}

bool bs_error_is_about_data(const struct bs_error *error) {
    return error->code == BS_ERROR_FAULT || error->code == BS_ERROR_CORRUPT ||
           error->code == BS_ERROR_UNSUPPORTED || error->code == BS_ERROR_NOT_FOUND;
}

struct bs_error *bs_error_forgive(struct bs_error *error) {
    if (!error || !bs_error_is_about_data(error))
        return error;
    bs_error_destroy(error);
    return NULL;
}
