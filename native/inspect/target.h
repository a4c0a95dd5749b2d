/*
 * What inspect/ knows of its target: a way to read memory, a way to look a symbol up, and the
 * modules that are loaded. A live process, a core file and a byte array in a test are the same.
 * Everything read is untrusted: it is checked once, walks are bounded, and an error names the
 * field.
 */
#ifndef BS_INSPECT_TARGET_H
#define BS_INSPECT_TARGET_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bs_module {
    const char *path;              /* valid during the callback only */
    uint64_t start_addr, end_addr; /* end is exclusive; all mappings of the module lie inside */
    /* Of the file whose symbols lookup() takes for those of the module, in lower case hexadecimal;
       NULL: not told, or start_addr is not where the ELF header lies. */
    const char *build_id;
};

/* One C frame of a thread. */
struct bs_native_frame {
    uint64_t pc_addr;
    uint64_t cfa_addr; /* stack pointer before the call: orders them; 0: not known */
};

typedef bool (*bs_module_fn)(void *arg, const struct bs_module *module); /* false: stop */

struct bs_target {
    void *arg;
    /* Read exactly @p length bytes or fail with BS_ERROR_FAULT. */
    struct bs_error *(*read)(void *arg, uint64_t addr, void *ret, size_t length);
    /* Address of a dynamic or debug symbol; BS_ERROR_NOT_FOUND when there is none. */
    struct bs_error *(*lookup)(void *arg, const char *name, uint64_t *ret_addr);
    /* Call @p fn for each loaded module, the program itself first. */
    struct bs_error *(*modules)(void *arg, bs_module_fn fn, void *fn_arg);
};

/* Read one unsigned little-endian word; @p what names it in the error. */
struct bs_error *bs_read_u64(const struct bs_target *target, uint64_t addr, const char *what,
                             uint64_t *ret);
struct bs_error *bs_read_u32(const struct bs_target *target, uint64_t addr, const char *what,
                             uint32_t *ret);
/* Read @p length bytes, none included; the caller has bounded @p length. */
struct bs_error *bs_read_bytes(const struct bs_target *target, uint64_t addr, const char *what,
                               void *ret, size_t length);

/* Read a C string into @p ret of @p size bytes: cut where it is longer, ended in any case. */
struct bs_error *bs_read_string(const struct bs_target *target, uint64_t addr, const char *what,
                                char *ret, size_t size);

/*
 * Whether @p error says something of the target's data, so that a walk may end there and give what
 * it has; else (no memory, Ctrl-C, the debugger itself) the walk has failed.
 */
bool bs_error_is_about_data(const struct bs_error *error);
/* Go on without: NULL for such an error, which is destroyed, and for none; else @p error. */
struct bs_error *bs_error_forgive(struct bs_error *error);

#endif
