#include "inspect/link_map.h"

#include <stdlib.h>
#include <string.h>

/* The entry's fields: r_map of r_debug; l_addr and l_ld of link_map. */
#define R_MAP  8
#define L_ADDR 0
#define L_LD   16

struct module_search {
    uint64_t dynamic_addr; /* of the program */
    size_t passed;         /* modules before its own */
    char *path;
    bool no_memory;
};

static bool visit_module(void *arg, const struct bs_module *module) {
    struct module_search *search = arg;
    if (search->dynamic_addr < module->start_addr || search->dynamic_addr >= module->end_addr) {
        search->passed++;
        return true;
    }
    search->path = search->passed ? strdup(module->path) : NULL;
    search->no_memory = search->passed && !search->path;
    return false;
}

static struct bs_error *read_program(const struct bs_target *target, uint64_t *ret_bias,
                                     uint64_t *ret_dynamic_addr) {
    static const char what[] = "the dynamic loader's list";
    uint64_t debug_addr, map_addr;
    struct bs_error *error = target->lookup(target->arg, "_r_debug", &debug_addr);
    if (!error)
        error = bs_read_u64(target, debug_addr + R_MAP, what, &map_addr);
    if (!error)
        error = bs_read_u64(target, map_addr + L_ADDR, what, ret_bias);
    return error ? error : bs_read_u64(target, map_addr + L_LD, what, ret_dynamic_addr);
}

struct bs_error *bs_link_map_other_program(const struct bs_target *target, char **ret_path,
                                           uint64_t *ret_bias) {
    struct module_search search = {};
    *ret_path = NULL;
    struct bs_error *error = read_program(target, ret_bias, &search.dynamic_addr);
    if (error)
        return bs_error_forgive(error);
    error = target->modules(target->arg, visit_module, &search);
    if (!error && search.no_memory)
        return &bs_enomem;
    *ret_path = search.path;
    return error;
}
