#include "command/inferior.h"

#include "command/process.h"
#include "core/cleanup.h"
#include "inspect/link_map.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* A core file has not what it shares with the files that were mapped, and may have stacks only. */
static struct bs_error *hint_at_core(struct bs_error *error) {
    if (!error)
        return NULL;
    if (error->code == BS_ERROR_FAULT)
        return bs_error_reword(
            error,
            "%s: this core file is without it; save one with all memory, by `gcore` in GDB or "
            "`process save-core --style full` in LLDB",
            error->message);
    if (error->code != BS_ERROR_NOT_FOUND)
        return error;
    bs_error_destroy(error);
    return bs_error_create(BS_ERROR_NOT_FOUND,
                           "there is no Python interpreter in this core file; if its executable is "
                           "not loaded, load both: `file PROGRAM` and then `core-file CORE` in "
                           "GDB, `target create PROGRAM --core CORE` in LLDB");
}

/* Add to @p error that a debugger knows the loader and not what it runs, where that is so. */
static struct bs_error *hint_at_loader(const struct bs_target *target, struct bs_error *error) {
    _cleanup_free_ char *path = NULL;
    uint64_t bias = 0;
    struct bs_error *failed = bs_link_map_other_program(target, &path, &bias);
    if (failed) {
        bs_error_destroy(error);
        return failed;
    }
    if (!path)
        return error;
    return bs_error_reword(error,
                           "%s, for what was started is the dynamic loader, which runs %s: in GDB, "
                           "type `add-symbol-file %s -o 0x%" PRIx64 "`",
                           error->message, path, path, bias);
}

/* Add to @p error why a debugger has no symbols of a file, or those of another. */
struct bs_error *bs_inferior_hint_at_files(const struct bs_inferior *inferior,
                                           struct bs_error *error) {
    const bool is_here = inferior->state.kind == BS_HOST_LIVE;
    const int pid = inferior->state.pid;
    char path[PATH_MAX];
    if (!error || (error->code != BS_ERROR_NOT_FOUND && error->code != BS_ERROR_SYMBOLS))
        return error;
    if (is_here && bs_process_other_root(pid))
        return bs_error_reword(
            error,
            "%s, for the process has a root directory of its own, as in a container: let the "
            "debugger look there, by `set sysroot /proc/%d/root` in GDB, or in LLDB, before it "
            "attaches, by `target create --no-dependents /proc/%d/root/PROGRAM` and `target "
            "modules search-paths add / /proc/%d/root/`",
            error->message, pid, pid, pid);
    if (is_here && bs_process_deleted_file(pid, path, sizeof(path)))
        return bs_error_reword(
            error, "%s; %s, which it runs, was deleted or replaced: restart the program",
            error->message, path);
    if (error->code != BS_ERROR_SYMBOLS)
        return hint_at_loader(&inferior->target, error);
    return bs_error_reword(error,
                           "%s (was it upgraded?): restart the program, or let the debugger find "
                           "that file",
                           error->message);
}

/* Debuggers notice that a process ended when they let it run; one that stands was killed. */
static struct bs_error *hint_at_end(int pid, struct bs_error *error) {
    if (!error || error->code != BS_ERROR_FAULT || bs_process_lives(pid))
        return error;
    bs_error_destroy(error);
    return bs_error_create(BS_ERROR_STATE,
                           "process %d was killed from outside, which the debugger does not know "
                           "yet: `kill` it there too, or run the program again",
                           pid);
}

struct bs_error *bs_inferior_open(const struct bs_host *host, struct bs_inferior *ret) {
    *ret = (struct bs_inferior){.host = host, .memory = {.host = host, .fd = -1}};
    struct bs_error *error = host->state(host->arg, &ret->state);
    if (error)
        return error;
    if (ret->state.kind == BS_HOST_NOTHING)
        return bs_error_create(BS_ERROR_STATE,
                               "there is no process; run the program, attach to one or load a core "
                               "file first");
    bs_memory_init(&ret->memory, host, &ret->state);
    if (ret->state.kind == BS_HOST_LIVE)
        ret->numbered_apart = bs_process_inner_pid(ret->state.pid) != ret->state.pid;
    ret->target = bs_memory_target(&ret->memory);
    error = bs_interpreter_find(&ret->target, &ret->python);
    if (ret->state.kind == BS_HOST_LIVE)
        return bs_inferior_hint_at_files(ret, hint_at_end(ret->state.pid, error));
    return ret->state.kind == BS_HOST_CORE ? hint_at_core(error) : error;
}

void bs_inferior_close(struct bs_inferior *inferior) {
    bs_interpreter_deinit(&inferior->python);
    bs_memory_deinit(&inferior->memory);
}

int bs_inferior_python_tid(const struct bs_inferior *inferior, int tid) {
    return inferior->numbered_apart ? bs_process_inner_pid(tid) : tid;
}

int bs_inferior_tid(const struct bs_inferior *inferior, int python_tid) {
    if (!inferior->numbered_apart || !python_tid)
        return python_tid;
    return bs_process_outer_tid(inferior->state.pid, python_tid);
}
