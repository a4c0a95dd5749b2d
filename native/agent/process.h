/*
 * Processes of our own, by system call: without fork handlers, without what debuggers watch.
 *
 * Measured: LLDB 14 to 21 abort an expression in which the inferior calls fork(). A clone that is
 * CLONE_UNTRACED and has no exit signal is seen by none of them, nor by GDB 13 to 18; the program
 * gets no SIGCHLD for it and does not meet it in wait().
 */
#ifndef BS_AGENT_PROCESS_H
#define BS_AGENT_PROCESS_H

#include "agent/last_words.h"
#include "format/request.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* How far the worker has come; until RUN it does nothing that may take long. */
enum stage {
    STAGE_ISOLATE, /* signals, descriptors */
    STAGE_MEMORY,
    STAGE_LOOKUP, /* names of the interpreter */
    STAGE_POOLS,  /* libraries that compute in threads */
    STAGE_GIL,
    STAGE_NAMES,   /* of the frame */
    STAGE_WAITERS, /* for the GIL, left behind in the inferior */
    STAGE_HOOKS,   /* what Python does after a fork */
    STAGE_RUN,
};

/* The head of the shared mapping: what the debugger reads, and what is between our processes. */
struct control {
    struct bs_shared shared;
    struct bs_request request;
    pid_t parent_pid; /* the inferior */
    pid_t tracer_pid; /* the debugger's, as bs_process_tracer says it */
    sigset_t mask;    /* of the inferior's thread that was cloned */
    uint64_t started_ns;
    _Atomic uint32_t stage;            /* enum stage */
    _Atomic uint32_t finished;         /* the worker has written its outcome */
    char last_words[LAST_WORDS_BYTES]; /* of a worker that ended by itself, or "" */
    int standard_error;                /* what becomes the worker's, or -1 */
};

static inline struct bs_image_header *bs_control_image(struct control *control) {
    return (void *)((char *)control + control->shared.image_offset_bytes);
}

/*
 * A copy of this process with only this thread, as fork() makes it, by the clone system call.
 * @p exit_signal is sent to the caller at its end, 0: none. Falls back on fork() where the system
 * call is refused. Returns as fork() does; errno is set.
 */
pid_t bs_process_clone(int exit_signal);

/*
 * Whether new processes come into another PID namespace than this one's (unshare, setns), where
 * they know no parent. The first of them is what it lives by: once that has ended, the kernel lets
 * the program start no other.
 */
bool bs_process_starts_apart(void);

/* The process that traces @p pid: 0, none that can be seen from here; negative: it is not known. */
pid_t bs_process_tracer(pid_t pid);

/* In a new process: die with the parent @p parent_pid, which may be dead already. */
void bs_process_follow(pid_t parent_pid);

/* The watcher: waits for the worker that it makes, and ends. See format/request.h. */
_Noreturn void bs_watch(struct control *control);

/* The worker: runs the request, and ends. */
_Noreturn void bs_work(struct control *control);

/* Run the request in the process and on the thread that asked, for BS_REQUEST_IN_PROCESS. */
void bs_work_in_process(struct control *control);

#endif
