/*
 * The request block and the shared mapping: how the debugger and the agent talk.
 *
 * The debugger writes a struct bs_request into a page of the inferior and makes one call,
 *
 *     int64_t bytesight_start(struct bs_request *request);
 *
 * which returns the address of a struct bs_shared, or a negative errno. It makes a mapping and a
 * clone, both by system call: it takes no lock, allocates nothing and runs no Python. From then on
 * the debugger only reads (and may set `cancel`), until `state` is BS_STATE_DONE; then it copies
 * the image and calls
 *
 *     int64_t bytesight_finish(struct bs_shared *shared);
 *
 * which reaps the watcher, unmaps and returns 0; or -EINVAL when that is not the run under way,
 * -EAGAIN when the watcher does not even die. When a Ctrl-C hid the result of bytesight_start,
 * `shared` is NULL: then the run that is under way, if there is one, is cancelled, reaped and
 * unmapped; this may take as long as the watcher needs to obey, a second at most. Inside the
 * mapping the image starts at `image_offset_bytes`.
 *
 * Two processes stand behind a run: the watcher, a child of the inferior, which only waits, keeps
 * the deadline, obeys `cancel` and reports how the worker ended; and its child, the worker, which
 * runs Python. With BS_REQUEST_IN_PROCESS there is neither: bytesight_start only makes the mapping
 * and catches SIGINT, so that a Ctrl-C that the debugger passes on is never the program's, and
 *
 *     int64_t bytesight_run(struct bs_shared *shared);
 *
 * runs the request and returns 0 when it is done. bytesight_finish gives SIGINT back. When that
 * call was cut short, because CALL crashed, the debugger first sets `cancel`, and bytesight_finish
 * sees to it that nothing of the run goes on.
 */
#ifndef BS_FORMAT_REQUEST_H
#define BS_FORMAT_REQUEST_H

#include "format/image.h"

#include <stdatomic.h>
#include <stdint.h>

#define BS_REQUEST_MAGIC   0x71657253ull
#define BS_REQUEST_VERSION 9

#define BS_CALL_BYTES_MAX 2048

enum bs_request_flags {
    BS_REQUEST_PROFILE = 1 << 0,    /* else trace */
    BS_REQUEST_IN_PROCESS = 1 << 1, /* no clone */
    BS_REQUEST_NATIVE = 1 << 2,     /* walk C functions */
    BS_REQUEST_ADAPTIVE = 1 << 3,   /* copied to the image */
    BS_REQUEST_GIL_LOCKED = 1 << 4, /* the lock itself is held, by the thread that makes the call */
    BS_REQUEST_OTHER_GILS = 1 << 5, /* there are interpreters with a lock of their own */
};

#define BS_FRAME_NONE UINT32_MAX

/* Of the interpreter's dispatch table: one for each value of an opcode byte. */
#define BS_TABLE_ENTRIES 256

/* Where that table may be: what inspect/dispatch.h found, and the agent has yet to verify. */
struct bs_table_candidate {
    uint64_t table_addr;
    uint32_t entries;  /* of a run of code addresses, in which the table is */
    uint32_t distinct; /* addresses among them: the more, the likelier */
};
#define BS_TABLE_CANDIDATES_MAX 8

/* Whether the agent has a probe for this architecture: agent/probe/stubs_*.c. */
#ifdef __x86_64__
#define BS_HAS_PROBE 1
#else
#define BS_HAS_PROBE 0
#endif

/*
 * The opcodes that the agent has to tell apart. The debugger says which numbers they have in the
 * inferior's version: of the module `opcode` the program may have one of its own.
 */
#define BS_REQUEST_OPCODES(ROW)                                                                    \
    ROW(NOP)                                                                                       \
    ROW(RESUME)                                                                                    \
    ROW(RETURN_VALUE)                                                                              \
    ROW(RETURN_CONST)                                                                              \
    ROW(RETURN_GENERATOR)                                                                          \
    ROW(YIELD_VALUE)                                                                               \
    ROW(YIELD_FROM)
enum bs_request_opcode {
#define BS_ROW(name) BS_REQUEST_##name,
    BS_REQUEST_OPCODES(BS_ROW)
#undef BS_ROW
    BS_REQUEST_OPCODE_COUNT,
};

struct bs_request {
    uint64_t magic;
    uint32_t version;
    uint32_t size_bytes;
    uint32_t flags;
    uint32_t engine; /* enum bs_engine */
    uint32_t warmups, repeats;
    uint32_t max_events;
    uint32_t max_walk; /* machine instructions that the C walk may step */
    uint64_t timeout_ns, budget_ns;
    uint64_t runtime_addr; /* of the _PyRuntime that the debugger reads; 0: not told */
    uint64_t gil_addr;     /* of the lock of the interpreter that runs CALL; 0: not told */
    /*
     * Where CALL is run in a sub-interpreter: the PyThreadState of it by which this thread holds
     * the lock, and which thread it says that it is of; up to 3.12 that may be the one that made
     * the interpreter. 0: CALL is run in the main interpreter.
     */
    uint64_t active_state_addr, active_ident;
    /*
     * The frame whose names CALL may use: a PyThreadState of the interpreter that runs it, and the
     * number of Python frames to go up from its innermost. BS_FRAME_NONE: __main__ only.
     */
    uint64_t thread_state_addr;
    uint32_t frame_index;
    /* Where a thread state has its frame, and this the end of its value stack, and its variables:
       bytes from the start of each. 0: this version has no such. */
    uint32_t thread_frame, frame_stack_pointer, frame_slots;
    /* Where an interpreter has the first of its thread states, and each of these the next. */
    uint32_t interpreter_threads_head, thread_next;
    uint32_t call_bytes; /* without a terminator; at most BS_CALL_BYTES_MAX */
    uint32_t candidates;
    struct bs_table_candidate candidate[BS_TABLE_CANDIDATES_MAX];
    char call[BS_CALL_BYTES_MAX];
    uint8_t opcodes[8]; /* by enum bs_request_opcode; 0: this version has no such */
};

enum bs_state {
    BS_STATE_STARTING,
    BS_STATE_RUNNING,
    BS_STATE_DONE, /* the image is complete and no process of ours writes any more */
};

/* What is being done, for the progress bar: `done` of `total` in this phase. */
enum bs_phase {
    BS_PHASE_RESOLVE,
    BS_PHASE_CALIBRATE,
    BS_PHASE_WARM_UP,
    BS_PHASE_TIME,
    BS_PHASE_MEASURE,
    BS_PHASE_TRACE,
    BS_PHASE_WALK,
};

struct bs_shared {
    uint64_t magic; /* BS_IMAGE_MAGIC */
    uint64_t mapping_bytes;
    uint64_t image_offset_bytes;
    int32_t watcher_pid, worker_pid;
    _Atomic uint32_t state;     /* enum bs_state */
    _Atomic uint32_t phase;     /* enum bs_phase */
    _Atomic uint64_t done;      /* in this phase */
    _Atomic uint64_t total;     /* 0: not known */
    _Atomic uint64_t heartbeat; /* counts up while the watcher lives */
    _Atomic uint32_t cancel;    /* written by the debugger: stop and be gone */
    uint32_t reserved;
};

_Static_assert(sizeof(struct bs_shared) == 72, "the debugger reads this layout: raise the version");
_Static_assert(sizeof(struct bs_request) == 2312, "the agent reads this layout: raise the version");
_Static_assert(BS_REQUEST_OPCODE_COUNT <= 8, "there is no more room: raise the version");

#endif
