#include "inspect/interpreter.h"

#include "core/labels.h"
#include "core/text.h"
#include "inspect/debug_offsets.h"
#include "inspect/dict.h"
#include "inspect/elf_image.h"
#include "inspect/field.h"
#include "inspect/namespace.h"
#include "inspect/same_file.h"

#include <inttypes.h>
#include <string.h>

#define OLDEST 0x030a0000
#define NEWEST 0x030fffff

/* Like target->lookup, but a missing symbol is address 0. */
static struct bs_error *lookup(const struct bs_target *target, const char *name, uint64_t *ret) {
    struct bs_error *error = target->lookup(target->arg, name, ret);
    if (!error || error->code != BS_ERROR_NOT_FOUND)
        return error;
    bs_error_destroy(error);
    *ret = 0;
    return NULL;
}

/*
 * Before 3.11 there is no Py_Version. These functions came with the version beside them (What's
 * New, C API changes), newest first, so the first that is there tells the version.
 */
static const struct marker {
    const char *symbol;
    uint32_t python;
} markers[] = {
    {"PyModule_AddObjectRef", 0x030a0000}, {"PyModule_AddType", 0x03090000},
    {"PyVectorcall_Call", 0x03080000},     {"PyImport_GetModule", 0x03070000},
    {"PyOS_FSPath", 0x03060000},           {"PyUnicode_AsUTF8", 0x03030000},
    {"PyString_FromString", 0x02070000},
};

/* PY_VERSION_HEX, or 0 where there is no Python. */
static struct bs_error *find_version(const struct bs_target *target, uint32_t *ret) {
    uint64_t addr;
    struct bs_error *error = lookup(target, "Py_Version", &addr);
    if (error)
        return error;
    if (addr)
        return bs_read_u32(target, addr, "Py_Version", ret);
    *ret = 0;
    for (size_t i = 0; i < sizeof(markers) / sizeof(*markers) && !*ret; i++) {
        error = lookup(target, markers[i].symbol, &addr);
        if (error)
            return error;
        if (addr)
            *ret = markers[i].python;
    }
    return NULL;
}

static struct bs_error *check_version(uint32_t python) {
    char text[BS_VERSION_BYTES];
    bs_python_version_text(python, text);
    if (!python)
        return bs_error_create(BS_ERROR_NOT_FOUND,
                               "there is no Python interpreter in this process, or none that the "
                               "debugger has symbols of");
    if (python >= OLDEST && python <= NEWEST)
        return NULL;
    return bs_error_create(BS_ERROR_UNSUPPORTED,
                           "this process runs Python %s; bytesight knows 3.10 to 3.15", text);
}

/*
 * Builds whose objects are laid out otherwise than the layouts say, and the agent expects; each is
 * told by a function that only such a build exports, before some version.
 */
static const struct odd_build {
    const char *symbol;
    uint32_t before;
    const char *what;
} odd_builds[] = {
    /* From 3.13 on what is traced is kept beside the objects (gh-108634). */
    {"_Py_ForgetReference", 0x030d0000,
     "was built with --with-trace-refs, which puts two more fields in front of every object: use "
     "a build without"},
};

static struct bs_error *check_build(const struct bs_target *target, uint32_t python) {
    char text[BS_VERSION_BYTES];
    bs_python_version_text(python, text);
    for (size_t i = 0; i < sizeof(odd_builds) / sizeof(*odd_builds); i++) {
        const struct odd_build *odd = &odd_builds[i];
        uint64_t addr = 0;
        struct bs_error *error = python < odd->before ? lookup(target, odd->symbol, &addr) : NULL;
        if (error)
            return error;
        if (addr)
            return bs_error_create(BS_ERROR_UNSUPPORTED, "Python %s in this process %s", text,
                                   odd->what);
    }
    return NULL;
}

static struct bs_error *find_symbol(const struct bs_target *target, uint32_t python,
                                    const char *name, uint64_t *ret) {
    char text[BS_VERSION_BYTES];
    struct bs_error *error = lookup(target, name, ret);
    if (error || *ret)
        return error;
    bs_python_version_text(python, text);
    return bs_error_create(BS_ERROR_UNSUPPORTED,
                           "Python %s is in this process but its symbol %s is not: load the "
                           "symbols of the module that holds the interpreter",
                           text, name);
}

/* Every debug build from 3.10 to 3.15 exports it for the macros of its extensions, no other does.
 */
static struct bs_error *find_build(struct bs_interpreter *python) {
    uint64_t addr;
    struct bs_error *error = lookup(python->target, "_Py_NegativeRefcount", &addr);
    python->debug = !error && addr;
    return error;
}

struct module_search {
    uint64_t addr;
    struct bs_interpreter *python;
    bool no_memory;
};

static bool visit_module(void *arg, const struct bs_module *module) {
    struct module_search *search = arg;
    if (search->addr < module->start_addr || search->addr >= module->end_addr)
        return true;
    search->python->module_path = strdup(module->path);
    search->python->module_start_addr = module->start_addr;
    search->python->module_end_addr = module->end_addr;
    search->no_memory = !search->python->module_path;
    return false;
}

static struct bs_error *find_module(struct bs_interpreter *python) {
    struct module_search search = {.addr = python->eval_addr, .python = python};
    const struct bs_target *target = python->target;
    struct bs_error *error = target->modules(target->arg, visit_module, &search);
    if (error)
        return error;
    if (search.no_memory)
        return &bs_enomem;
    if (!python->module_path)
        return bs_error_create(BS_ERROR_NOT_FOUND,
                               "the module that holds the interpreter is not among those loaded");
    python->stripped = !bs_elf_file_has_symbols(python->module_path);
    return NULL;
}

static struct bs_error *read_state(struct bs_interpreter *python) {
    uint64_t initialized, finalizing;
    struct bs_error *error =
        bs_field(python, python->runtime_addr, runtime, initialized, &initialized);
    if (!error)
        error = bs_field(python, python->runtime_addr, runtime, finalizing, &finalizing);
    if (error)
        return error;
    if (finalizing)
        python->state = BS_INTERPRETER_FINALIZING;
    else
        python->state = initialized ? BS_INTERPRETER_RUNNING : BS_INTERPRETER_STARTING;
    return NULL;
}

/*
 * The offset of the kernel's thread number in the C library's descriptor, to which pthread_self()
 * points. glibc describes the field for libthread_db in three words: size in bits, count, offset
 * (nptl_db/structs.def). 0 where there is no such description.
 */
static uint32_t descriptor_tid_offset(const struct bs_target *target) {
    uint64_t addr;
    uint32_t field[3];
    struct bs_error *error = target->lookup(target->arg, "_thread_db_pthread_tid", &addr);
    if (!error)
        error = bs_read_bytes(target, addr, "_thread_db_pthread_tid", field, sizeof(field));
    if (error) {
        bs_error_destroy(error);
        return 0;
    }
    return field[0] == 32 && field[2] < 4096 ? field[2] : 0;
}

/*
 * sys.hexversion, for 3.10, whose symbols tell the minor version only. What cannot be read or is
 * of another minor version changes nothing.
 */
static struct bs_error *refine_version(struct bs_interpreter *python) {
    uint64_t addr, digit;
    struct bs_error *error = bs_module_find(python, NULL, bs_text_of("sys"), &addr);
    if (!error && addr)
        error = bs_field(python, addr, module, dict, &addr);
    if (!error && addr)
        error = bs_dict_find(python, addr, bs_text_of("hexversion"), &addr);
    if (!error && addr)
        error = bs_field(python, addr, long, digits, &digit);
    if (!error && addr && digit >> 16 == python->python >> 16)
        python->python = (uint32_t)digit;
    return bs_error_forgive(error);
}

/* Of symbols that are another file's not even the version would be right. */
static struct bs_error *check_symbols(const struct bs_target *target) {
    uint64_t addr;
    struct bs_error *error = lookup(target, "_PyRuntime", &addr);
    return error || !addr ? error : bs_same_file_check(target, addr);
}

struct bs_error *bs_interpreter_find(const struct bs_target *target, struct bs_interpreter *ret) {
    _cleanup_interpreter_ struct bs_interpreter python = {.target = target};
    struct bs_error *error = check_symbols(target);
    if (!error)
        error = find_version(target, &python.python);
    if (!error)
        error = check_version(python.python);
    if (!error)
        error = check_build(target, python.python);
    if (!error)
        error = find_symbol(target, python.python, "_PyRuntime", &python.runtime_addr);
    if (!error)
        error = find_symbol(target, python.python, "_PyEval_EvalFrameDefault", &python.eval_addr);
    if (!error)
        error = find_build(&python);
    if (!error)
        error = find_module(&python);
    if (error)
        return error;
    python.layout = *bs_layout_rows(python.python);
    error = bs_debug_offsets_apply(target, python.runtime_addr, python.python, &python.layout);
    if (!error)
        error = read_state(&python);
    if (error)
        return error;
    python.descriptor_tid_offset = descriptor_tid_offset(target);
    if (!(python.python & 0xffff) && python.state == BS_INTERPRETER_RUNNING)
        error = refine_version(&python);
    if (error)
        return error;
    *ret = python;
    python.module_path = NULL;
    return NULL;
}

void bs_interpreter_deinit(struct bs_interpreter *python) {
    free(python->module_path);
    python->module_path = NULL;
}

struct bs_error *bs_interpreter_check_running(const struct bs_interpreter *python) {
    switch (python->state) {
    case BS_INTERPRETER_RUNNING:
        return NULL;
    case BS_INTERPRETER_FINALIZING:
        return bs_error_create(BS_ERROR_STATE,
                               "Python is shutting down in this process: stop it earlier");
    case BS_INTERPRETER_STARTING:
        break;
    }
    return bs_error_create(BS_ERROR_STATE, "Python is not initialised in this process: stop it "
                                           "while Python code runs");
}

bool bs_interpreter_is_library(const struct bs_interpreter *python) {
    return python->module_path && strstr(basename(python->module_path), ".so");
}

struct bs_error *bs_interpreter_main(const struct bs_interpreter *python, uint64_t *ret_addr) {
    return bs_field(python, python->runtime_addr, runtime, interpreters_main, ret_addr);
}

struct bs_error *bs_interpreter_has_others(const struct bs_interpreter *python, bool *ret) {
    uint64_t head_addr, main_addr = 0;
    struct bs_error *error =
        bs_field(python, python->runtime_addr, runtime, interpreters_head, &head_addr);
    if (!error)
        error = bs_interpreter_main(python, &main_addr);
    if (!error)
        *ret = head_addr != main_addr; /* the main one is the oldest */
    return error;
}
