/*
 * The host interface: everything that a command asks of a debugger, on one page. gdb/ and lldb/
 * implement it in Python (module/ carries it over), tests/ implement it over a process they
 * started.
 *
 * Callbacks run on the debugger's main thread, while the inferior is stopped, and return NULL on
 * success. An interruption (Ctrl-C) during any of them is BS_ERROR_INTERRUPTED. Text handed to a
 * callback is valid during the call; text handed to `fn` by a callback likewise.
 */
#ifndef BS_COMMAND_HOST_H
#define BS_COMMAND_HOST_H

#include "core/buffer.h"
#include "inspect/target.h"

enum bs_host_kind {
    BS_HOST_NOTHING, /* no process, no core file */
    BS_HOST_LIVE,    /* a stopped process of this machine: /proc/PID is it */
    BS_HOST_REMOTE,  /* a stopped process behind a stub */
    BS_HOST_CORE,
};

struct bs_host_state {
    enum bs_host_kind kind;
    int pid;                     /* LIVE, REMOTE (of the other side) */
    int selected_tid;            /* the thread selected in the debugger, as the kernel numbers it */
    unsigned int selected_level; /* and the C frame selected in it, as walk() counts them */
};

typedef bool (*bs_native_frame_fn)(void *arg, const struct bs_native_frame *frame);
typedef bool (*bs_thread_fn)(void *arg, int tid);

/* One function at an address: the innermost inlined one first. */
struct bs_symbol_info {
    const char *function; /* NULL: not known */
    const char *file;     /* NULL: not known */
    const char *module;   /* path of the module, NULL: none */
    uint32_t line;
    uint64_t offset_bytes; /* from the start of the module */
};
typedef bool (*bs_symbol_fn)(void *arg, const struct bs_symbol_info *symbol);

enum bs_call_flags {
    BS_CALL_ALL_THREADS = 1 << 0, /* let the other threads run meanwhile */
    /* The call may take as long as it likes, and Ctrl-C is the program's: it gets a SIGINT, which
       must make it return soon. */
    BS_CALL_PASS_INTERRUPT = 1 << 1,
    /* The call may wait for a lock that another thread holds (dlopen): when it has not come back
       after BS_CALL_ALONE_MS, the other threads run, too. */
    BS_CALL_MAY_WAIT = 1 << 2,
};
#define BS_CALL_ALONE_MS 2000
#define BS_CALL_ARGS_MAX 6

struct bs_host {
    void *arg;
    /* Memory, symbols, modules. `target.arg` is `arg`. */
    struct bs_target target;
    struct bs_error *(*write_memory)(void *arg, uint64_t addr, const void *data, size_t length);
    struct bs_error *(*state)(void *arg, struct bs_host_state *ret);
    struct bs_error *(*threads)(void *arg, bs_thread_fn fn, void *fn_arg);
    /* The C frames of a thread, innermost first. An inlined function is none: describe() tells. */
    struct bs_error *(*walk)(void *arg, int tid, bs_native_frame_fn fn, void *fn_arg);
    /* Every function inlined at @p addr, innermost first; at least one call. Where a function is
       entered, it alone, with the line of its definition if the debugger can tell. */
    struct bs_error *(*describe)(void *arg, uint64_t addr, bs_symbol_fn fn, void *fn_arg);
    /*
     * Call a function of the inferior on thread @p tid with integer arguments and give back its
     * integer result. Only that thread runs unless flags say otherwise; breakpoints do not fire;
     * whatever the debugger had to change is as before afterwards, also on failure.
     */
    struct bs_error *(*call)(void *arg, int tid, uint64_t function_addr, const uint64_t *args,
                             size_t arg_count, uint32_t flags, uint64_t *ret);
    /* True once the user has pressed Ctrl-C. */
    bool (*interrupted)(void *arg);
    /* Print @p length bytes, spans relative to @p data; plain where @p no_color. */
    struct bs_error *(*write)(void *arg, const char *data, size_t length,
                              const struct bs_span *spans, size_t span_count, bool no_color);
    /* Replace the progress line by @p text; "" removes it. Silent where nobody watches. */
    void (*progress)(void *arg, const char *text);
};

#endif
