/*
 * The interpreter inside a target: where it is, which version, what state it is in.
 *
 * Found by its exported symbols (_PyRuntime, _PyEval_EvalFrameDefault, Py_Version), which even a
 * stripped build has. Nothing is run in the target.
 */
#ifndef BS_INSPECT_INTERPRETER_H
#define BS_INSPECT_INTERPRETER_H

#include "core/cleanup.h"
#include "inspect/layout.h"
#include "inspect/target.h"

enum bs_interpreter_state {
    BS_INTERPRETER_STARTING, /* before the end of Py_Initialize, or after that of Py_Finalize */
    BS_INTERPRETER_RUNNING,
    BS_INTERPRETER_FINALIZING,
};

struct bs_interpreter {
    const struct bs_target *target; /* borrowed: must outlive this */
    uint32_t python;                /* PY_VERSION_HEX; micro and level 0 where only the minor
                                       version can be told (3.10 before it runs) */
    enum bs_interpreter_state state;
    bool debug;            /* configured --with-pydebug */
    bool stripped;         /* the module has no .symtab, as far as its file tells */
    uint64_t runtime_addr; /* _PyRuntime */
    uint64_t eval_addr;    /* _PyEval_EvalFrameDefault */
    char *module_path;     /* owned: the module that holds eval_addr */
    uint64_t module_start_addr, module_end_addr; /* end exclusive */
    struct bs_layout layout;
    uint32_t descriptor_tid_offset; /* of the kernel's number in the C library's descriptor of a
                                       thread; 0: not known */
};

/*
 * Look for an interpreter in @p target.
 *
 * BS_ERROR_NOT_FOUND: no Python in this process. BS_ERROR_UNSUPPORTED: older than 3.10, newer than
 * 3.15, a free-threaded build, or one whose objects have other fields. BS_ERROR_CORRUPT: the
 * interpreter's own table of offsets contradicts itself. An interpreter that has not started yet is
 * a success: see `state`. To be released with bs_interpreter_deinit.
 */
struct bs_error *bs_interpreter_find(const struct bs_target *target, struct bs_interpreter *ret);
void bs_interpreter_deinit(struct bs_interpreter *python);
#define _cleanup_interpreter_ _cleanup_(bs_interpreter_deinit)

/* NULL when Python code can run there now, else BS_ERROR_STATE that says why not. */
struct bs_error *bs_interpreter_check_running(const struct bs_interpreter *python);

/* Whether the module that holds it is a library, as far as its name tells, and not the program. */
bool bs_interpreter_is_library(const struct bs_interpreter *python);

/* The PyInterpreterState of the main interpreter; 0 before it starts. */
struct bs_error *bs_interpreter_main(const struct bs_interpreter *python, uint64_t *ret_addr);

/* Whether there are interpreters beside the main one, whether or not anything runs in them. */
struct bs_error *bs_interpreter_has_others(const struct bs_interpreter *python, bool *ret);

#endif
