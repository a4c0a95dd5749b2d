#include "inspect/same_file.h"

#include "core/cleanup.h"
#include "inspect/elf_image.h"

#include <string.h>

#define PAGE_BYTES 4096 /* at least */

struct module_search {
    uint64_t addr, start_addr;
    char *path, *build_id; /* what the debugger says; NULL: nothing */
    bool no_memory;
};

/* The last that begins before the address: by wrong symbols it may lie behind the end. */
static bool visit_module(void *arg, const struct bs_module *module) {
    struct module_search *search = arg;
    if (search->addr < module->start_addr || search->start_addr > module->start_addr)
        return true;
    free(search->path);
    free(search->build_id);
    search->start_addr = module->start_addr;
    search->path = strdup(module->path);
    search->build_id = module->build_id ? strdup(module->build_id) : NULL;
    search->no_memory = !search->path || (module->build_id && !search->build_id);
    return !search->no_memory;
}

/*
 * Whether the module at @p start_addr is of the build @p wanted; also where it has no build ID, or
 * none that can be read. LLDB takes where the program lies from where it is entered, and by wrong
 * symbols that is not where a page begins, or not where a header is.
 */
static struct bs_error *compare(const struct bs_target *target, uint64_t start_addr,
                                const char *wanted, bool *ret_same) {
    struct bs_elf elf;
    char mapped[BS_BUILD_ID_CHARS] = "";
    struct bs_error *error = bs_elf_read(target, start_addr, &elf);
    const bool begins = start_addr % PAGE_BYTES == 0 && (!error || error->code != BS_ERROR_CORRUPT);
    if (!error)
        error = bs_elf_build_id(&elf, mapped);
    *ret_same = begins && (!*mapped || !strcmp(mapped, wanted));
    return bs_error_forgive(error);
}

static struct bs_error *check(const struct bs_target *target, const struct module_search *search) {
    bool same = true;
    struct bs_error *error = NULL;
    if (search->path && search->build_id)
        error = compare(target, search->start_addr, search->build_id, &same);
    if (error || same)
        return error;
    return bs_error_create(BS_ERROR_SYMBOLS,
                           "the process does not run the %s that the debugger has read, but "
                           "another build of it",
                           search->path);
}

struct bs_error *bs_same_file_check(const struct bs_target *target, uint64_t addr) {
    struct module_search search = {.addr = addr};
    struct bs_error *error = target->modules(target->arg, visit_module, &search);
    if (!error)
        error = search.no_memory ? &bs_enomem : check(target, &search);
    free(search.path);
    free(search.build_id);
    return error;
}
