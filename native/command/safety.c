#include "command/safety.h"

#include "command/process.h"
#include "command/stack_room.h"
#include "core/labels.h"
#include "inspect/elf_image.h"
#include "inspect/same_file.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* Frames looked at, innermost first; what matters lies near the innermost. */
#define FRAMES_MAX 256

/*
 * Where no call can be made. A row holds for a frame whose function and module match (ksh's
 * patterns; the module's file name without folders, NULL: any module). To add a place: a row.
 *
 * Allocators, the loader and forks hold locks, and half-changed structures, that CALL would need.
 * None of them calls Python; and when a collector does (finalizers, callbacks) that Python code is
 * as good as any. So it is only the frames up to the first one of the evaluator that count.
 */
static const struct unsafe {
    const char *function, *module, *place;
} unsafe[] = {
    {"*malloc*", "libc[.-]*", "the memory allocator"},
    {"*calloc*", "libc[.-]*", "the memory allocator"},
    {"*realloc*", "libc[.-]*", "the memory allocator"},
    {"*memalign*", "libc[.-]*", "the memory allocator"},
    {"free", "libc[.-]*", "the memory allocator"},
    {"cfree", "libc[.-]*", "the memory allocator"},
    {"__libc_free", "libc[.-]*", "the memory allocator"},
    {"_int_free*", "libc[.-]*", "the memory allocator"},
    {"sysmalloc*", "libc[.-]*", "the memory allocator"},
    {"systrim*", "libc[.-]*", "the memory allocator"},
    {"unlink_chunk*", "libc[.-]*", "the memory allocator"},
    {"tcache_*", "libc[.-]*", "the memory allocator"},
    {"arena_get*", "libc[.-]*", "the memory allocator"},
    {"*", "libjemalloc*", "the memory allocator"},
    {"*", "libtcmalloc*", "the memory allocator"},
    {"*", "libmimalloc*", "the memory allocator"},
    /* Of sanitizers, in a library of theirs or in the program. They stand before half of the C
       library, and a thread waits in their read() as in its own. */
    {"*alloc", "lib*san[.-]*", "the memory allocator"},
    {"*memalign", "lib*san[.-]*", "the memory allocator"},
    {"*free", "lib*san[.-]*", "the memory allocator"},
    {"operator *", "lib*san[.-]*", "the memory allocator"},
    {"*interceptor_*alloc", NULL, "the memory allocator"},
    {"*interceptor_*memalign", NULL, "the memory allocator"},
    {"*interceptor_*free", NULL, "the memory allocator"},
    {"__asan::*lloc*", NULL, "the memory allocator"},
    {"__lsan::*lloc*", NULL, "the memory allocator"},
    {"__sanitizer::*lloc*", NULL, "the memory allocator"},
    {"__asan::*Report*", NULL, "a sanitizer's report"},
    {"__sanitizer::*Report*", NULL, "a sanitizer's report"},
    {"PyObject_Malloc", NULL, "Python's allocator"},
    {"PyObject_Calloc", NULL, "Python's allocator"},
    {"PyObject_Realloc", NULL, "Python's allocator"},
    {"PyObject_Free", NULL, "Python's allocator"},
    {"PyMem_Malloc", NULL, "Python's allocator"},
    {"PyMem_Calloc", NULL, "Python's allocator"},
    {"PyMem_Realloc", NULL, "Python's allocator"},
    {"PyMem_Free", NULL, "Python's allocator"},
    {"PyMem_Raw*", NULL, "Python's allocator"},
    {"_PyObject_Malloc*", NULL, "Python's allocator"},
    {"_PyObject_Calloc*", NULL, "Python's allocator"},
    {"_PyObject_Realloc*", NULL, "Python's allocator"},
    {"_PyObject_Free*", NULL, "Python's allocator"},
    {"_PyMem_*Malloc*", NULL, "Python's allocator"},
    {"_PyMem_*Free*", NULL, "Python's allocator"},
    {"pymalloc_*", NULL, "Python's allocator"},
    {"_mi_*", NULL, "Python's allocator"},
    {"_PyFreeList_*", NULL, "Python's allocator"},
    /* Where a thread has its own block of a library, as mostly, this one calls nothing; and where
       interpreters are libraries, every allocation and every float comes by. */
    {"!(__tls_get_addr)", "ld-linux*", "the dynamic loader"},
    {"*", "ld-musl*", "the dynamic loader"},
    {"*", "ld-[0-9]*", "the dynamic loader"},
    {"*", "ld.so*", "the dynamic loader"},
    {"dl_iterate_phdr", NULL, "the dynamic loader"},
    {"dlopen*", "lib[cd][.l-]*", "the dynamic loader"},
    {"dlclose", "lib[cd][.l-]*", "the dynamic loader"},
    /* It holds malloc()'s locks, and from glibc 2.41 on abort()'s. */
    {"*[Ff]ork*", "libc[.-]*", "a fork"},
    {"*spawni*", "libc[.-]*", "a fork"},
    /* It holds locks of the runtime and of the import system. */
    {"os_fork*", NULL, "a fork"},
    {"*_fork_exec*", NULL, "a fork"},
    /* It has the lock of the GIL, but is not yet or no longer the thread that runs Python. */
    {"take_gil*", NULL, "the taking of the GIL"},
    {"drop_gil*", NULL, "the dropping of the GIL"},
    {"PyEval_AcquireThread", NULL, "the taking of the GIL"},
    {"PyEval_RestoreThread", NULL, "the taking of the GIL"},
    {"PyEval_ReleaseThread", NULL, "the dropping of the GIL"},
    {"PyEval_SaveThread", NULL, "the dropping of the GIL"},
    {"gc_collect_*", NULL, "the garbage collector"},
    {"_PyGC_*", NULL, "the garbage collector"},
    {"PyGC_Collect", NULL, "the garbage collector"},
    {"_Py_RunGC", NULL, "the garbage collector"},
};

static bool matches(const struct unsafe *row, const char *function, const char *module) {
    if (row->module && (!module || fnmatch(row->module, module, FNM_EXTMATCH)))
        return false;
    return !fnmatch(row->function, function, FNM_EXTMATCH);
}

/* What the frames looked at so far say. */
struct look {
    size_t level; /* of the function being looked at, as debuggers count: inlined ones too */
    const struct unsafe *found;
    size_t found_level; /* the outermost that matches */
    char function[64];
};

static bool look_at_symbol(void *arg, const struct bs_symbol_info *symbol) {
    struct look *look = arg;
    const char *module = symbol->module ? basename(symbol->module) : NULL;
    char function[64] = "";
    if (symbol->function) /* without a symbol version or parameters: "free@GLIBC_2.2.5" */
        snprintf(function, sizeof(function), "%.*s", (int)strcspn(symbol->function, "@("),
                 symbol->function);
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
        if (!matches(&unsafe[i], function, module))
            continue;
        look->found = &unsafe[i];
        look->found_level = look->level;
        snprintf(look->function, sizeof(look->function), "%s", function[0] ? function : module);
        break;
    }
    look->level++;
    return true;
}

static struct bs_error *refuse(const struct bs_inferior *inferior, int tid, bool holds_gil,
                               const struct look *look) {
    bool selected = tid == inferior->state.selected_tid;
    return bs_error_create(
        BS_ERROR_STATE,
        "thread %d%s is inside %s (frame %zu, `%s`), where no call can be made; %s`f %zu` and "
        "`finish`, then try again",
        tid, holds_gil && !selected ? ", which holds the GIL," : "", look->found->place,
        look->found_level, look->function, selected ? "type " : "select that thread, type ",
        look->found_level);
}

struct bs_error *bs_safety_thread(const struct bs_inferior *inferior, int tid, bool holds_gil,
                                  const struct bs_native_stack *natives) {
    const struct bs_host *host = inferior->host;
    struct look look = {};
    size_t count = 0;
    for (; count < natives->count && count < FRAMES_MAX; count++) {
        /* But for the innermost, a pc is a return address: the call stands before it. */
        uint64_t pc_addr = natives->items[count].pc_addr - (count > 0);
        size_t level = look.level;
        if (bs_evaluator_contains(natives->evaluator, pc_addr))
            break;
        struct bs_error *error = host->describe(host->arg, pc_addr, look_at_symbol, &look);
        if (error && !bs_error_is_about_data(error) && error->code != BS_ERROR_HOST)
            return error;
        bs_error_destroy(error); /* what cannot be described is not a known place */
        look.level += look.level == level;
    }
    if (look.found)
        return refuse(inferior, tid, holds_gil, &look);
    return bs_stack_room_check(inferior, tid, natives->items, count);
}

/* The functions by which all begins; the C library may have been upgraded, too. */
static struct bs_error *check_functions(const struct bs_inferior *inferior) {
    static const struct {
        const char *name, *missing;
    } functions[] = {
        {"mmap", "the debugger knows no C library in this process, through which the agent is "
                 "loaded: see that it lists one, in GDB by `info sharedlibrary` and `set sysroot`, "
                 "in LLDB by `image list` and `target modules add`"},
        {"dlopen", NULL}, /* the call will say so */
    };
    const struct bs_target *target = &inferior->host->target;
    struct bs_error *error = NULL;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]) && !error; i++) {
        uint64_t addr;
        error = target->lookup(target->arg, functions[i].name, &addr);
        if (!error) {
            error = bs_inferior_hint_at_files(inferior, bs_same_file_check(target, addr));
        } else if (error->code == BS_ERROR_NOT_FOUND) {
            bs_error_destroy(error);
            error = functions[i].missing
                        ? bs_error_create(BS_ERROR_NOT_FOUND, "%s", functions[i].missing)
                        : NULL;
        }
    }
    return error;
}

#if defined(__x86_64__)
static const unsigned char breakpoint[] = {0xcc}; /* int3 */
#elif defined(__aarch64__)
static const unsigned char breakpoint[] = {0x00, 0x00, 0x20, 0xd4}; /* brk #0 */
#endif

/*
 * Debuggers stop a program where its loader tells them of a new library. Measured: GDB 13 that is
 * killed by SIGTERM while the program runs leaves its breakpoint there, and the next one takes that
 * for code: the program runs on behind it, crashes, and nothing can be loaded any more. What a
 * debugger has inserted itself it does not show.
 */
static struct bs_error *check_left_breakpoint(const struct bs_inferior *inferior) {
    const struct bs_target *target = &inferior->host->target;
    unsigned char code[sizeof(breakpoint)];
    uint64_t addr = 0;
    struct bs_error *error = target->lookup(target->arg, "_dl_debug_state", &addr);
    if (!error)
        error = bs_read_bytes(target, addr, "the dynamic loader's code", code, sizeof(code));
    if (error) /* another loader, or one that the debugger knows not */
        return bs_error_forgive(error);
    if (memcmp(code, breakpoint, sizeof(code)) != 0)
        return NULL;
    return bs_error_create(BS_ERROR_STATE,
                           "a debugger that was killed has left a breakpoint in the dynamic loader "
                           "of the process, which will end when it next loads a library, as it "
                           "would now for the agent: restart it; `bytesight stack` and `bytesight "
                           "code` work");
}

/*
 * The agent is a library that uses Python's symbols. A program without a dynamic loader has none to
 * give; and a dlopen() of its own, which first brings a second C library into the process.
 */
static struct bs_error *check_loader(const struct bs_inferior *inferior) {
    const struct bs_target *target = &inferior->host->target;
    const struct bs_interpreter *python = &inferior->python;
    struct bs_elf elf;
    uint64_t addr = 0;
    struct bs_error *error = target->lookup(target->arg, "dlopen", &addr);
    if (error) /* that there is none, the call will say */
        return bs_error_forgive(error);
    if (addr < python->module_start_addr || addr >= python->module_end_addr)
        return NULL;
    error = bs_elf_read(target, python->module_start_addr, &elf);
    if (error || elf.names_loader)
        return error;
    return bs_error_create(BS_ERROR_UNSUPPORTED,
                           "this Python is linked statically, and no library can be loaded into "
                           "it: `bytesight stack` and `bytesight code` work; to run calls, use one "
                           "that is linked dynamically");
}

struct bs_error *bs_safety_process(const struct bs_inferior *inferior) {
    switch (inferior->state.kind) {
    case BS_HOST_NOTHING:
        return bs_error_create(BS_ERROR_STATE,
                               "there is no process; run the program or attach to one first");
    case BS_HOST_CORE:
        return bs_error_create(BS_ERROR_STATE,
                               "a core file cannot run code; `bytesight stack` and `bytesight "
                               "code` work on it");
    case BS_HOST_LIVE:
    case BS_HOST_REMOTE:
        break;
    }
    struct bs_error *error = bs_interpreter_check_running(&inferior->python);
    if (!error)
        error = check_loader(inferior);
    if (!error)
        error = check_left_breakpoint(inferior);
    return error ? error : check_functions(inferior);
}

static struct bs_error *check_clone(const struct bs_inferior *inferior) {
    char version[BS_VERSION_BYTES];
    bool has_others = false;
    struct bs_error *error = bs_interpreter_has_others(&inferior->python, &has_others);
    if (error || !has_others)
        return error;
    bs_python_version_text(inferior->python.python, version);
    return bs_error_create(BS_ERROR_STATE,
                           "the process has sub-interpreters, with which Python %s cannot be "
                           "copied: use --in-process",
                           version);
}

static struct bs_error *check_filter(const struct bs_inferior *inferior, int tid) {
    if (inferior->state.kind != BS_HOST_LIVE || !bs_process_filtered(tid))
        return NULL;
    return bs_error_create(
        BS_ERROR_STATE,
        "thread %d has a seccomp filter, which may kill the process for a system "
        "call that bytesight makes in it (memfd_create, mmap, clone): if you "
        "know that it does not, use --trust-seccomp",
        tid);
}

struct bs_error *bs_safety_options(const struct bs_inferior *inferior, int tid,
                                   const struct bs_options *options) {
    struct bs_error *error = options->in_process ? NULL : check_clone(inferior);
    return error || options->trust_seccomp ? error : check_filter(inferior, tid);
}
