/*
 * The trace image: what a run of CALL leaves behind.
 *
 * The agent writes an image into memory that it shares with its clone; the debugger copies it out.
 * A saved trace is the same image, packed (sections end to end) and compressed. There is therefore
 * one reader (core/trace.h), and it treats every byte as untrusted.
 *
 *   image   = bs_image_header section*           little-endian, natural alignment, 8-byte aligned
 *   section = EVENTS   bs_event*                 what happened, in order
 *           | STEPS    bs_step*                  instructions that were timed, in order
 *           | CODES    u32*                      heap offset of each `code`, indexed by code number
 *           | HEAP     byte*                     the strings and code descriptions below
 *           | CALLS    tree*                     C functions under each opcode, one run of CALL
 *           | SYMBOLS  bs_symbol*                what the debugger knew about C addresses, sorted
 *           | COUNTS   f64*                      how often each step was executed in one run of
 *                                                CALL, on the average; empty: as often as there
 *                                                are events for it
 *
 * Inside HEAP (offsets are from the start of HEAP; offset 0 is an empty string, so 0 means "none"):
 *
 *   string  = u32 length, byte[length]           UTF-8; what Python could not encode is escaped
 *   code    = string qualname, string filename, u32 first_line, u32 flags (co_flags)
 *             string bytecode                    co_code: original, caches zeroed
 *             string adaptive                    as specialised after the timing; may be empty
 *             string linetable, string exceptiontable
 *             strings consts                     repr() of each, bounded
 *             strings names                      co_names
 *             strings locals                     co_varnames + co_cellvars + co_freevars as the
 *                                                interpreter numbers them ("localsplus"; on 3.10
 *                                                co_varnames, co_cellvars, co_freevars end to end)
 *             string  kinds                      one byte per local: see BS_LOCAL_* below
 *             u32 count, { u32 line, string text }*   source lines, stripped; may be empty
 *   strings = u32 count, string*
 *   raised  = string type, string message        what bs_event.text of an exception points to
 *
 * In CALLS, trees follow each other in the order in which their opcodes began:
 *
 *   tree    = bs_call of depth 0, bs_call*       preorder: a record's depth is at most one more
 *                                                than that of the record before it
 *
 * u32 values inside HEAP are not aligned.
 */
#ifndef BS_FORMAT_IMAGE_H
#define BS_FORMAT_IMAGE_H

#include <stdint.h>

#define BS_IMAGE_MAGIC   0x5447534259544542ull /* "BETYBSGT" in memory order */
#define BS_IMAGE_VERSION 4

#define BS_IMAGE_ALIGNMENT 8 /* of every section */

enum bs_section_kind {
    BS_SECTION_EVENTS,
    BS_SECTION_STEPS,
    BS_SECTION_CODES,
    BS_SECTION_HEAP,
    BS_SECTION_CALLS,
    BS_SECTION_SYMBOLS,
    BS_SECTION_COUNTS,
    BS_SECTION_COUNT,
};

struct bs_section {
    uint64_t offset_bytes;   /* from the start of the image */
    uint64_t capacity_bytes; /* room reserved there; equals used_bytes in a packed image */
    uint64_t used_bytes;
};

enum bs_event_kind {
    BS_EVENT_CALL = 1,  /* line: first line of the code; text: none */
    BS_EVENT_LINE,      /* line: the line that begins */
    BS_EVENT_OPCODE,    /* offset_units: the instruction. Of EXTENDED_ARG and what it extends, 3.10
                           and 3.11 report the first only, later versions both */
    BS_EVENT_RETURN,    /* text: repr of the value, or 0 when the frame is left by an exception */
    BS_EVENT_EXCEPTION, /* text: a `raised` */
    BS_EVENT_STOP,      /* last event of every trace that ended by itself */
};

/* One event: 12 bytes. Frame depth is not stored: calls and returns nest. */
struct bs_event {
    uint32_t kind : 4; /* enum bs_event_kind */
    uint32_t code : 28;
    union {
        uint32_t offset_units; /* OPCODE: code units from the start of the bytecode */
        uint32_t line;         /* CALL, LINE */
    };
    uint32_t text; /* heap offset, 0 for none */
};

/*
 * One timed instruction: 24 bytes. Times are as measured, in nanoseconds, the engine's own cost
 * still inside; core/timing.h corrects them. How much that is, an engine may know for each step
 * (`cost`), else it is the header's overhead_ns. With the settrace engine there is one step for
 * each opcode event; with the probe one for each dispatch, so a superinstruction is one step for
 * two events. When the run was too long to time each event (BS_IMAGE_PER_INSTRUCTION), steps are
 * sorted by code and offset and each stands for all executions of that instruction. After a
 * divergence (BS_IMAGE_DIVERGED) that holds for the steps from diverged_step on, and the steps
 * before it are those of the events before diverged_event.
 */
struct bs_step {
    uint32_t opcode : 8; /* what was dispatched: the specialised form, or the base opcode */
    uint32_t code : 24;
    uint32_t offset_units;
    float min_ns, median_ns, mean_ns; /* over the repeats, per execution */
    int32_t cost : 14;                /* of the engine, in BS_STEP_UNIT_NS; 0: not known */
    /* Standard error of time less cost: error << error_shift, in BS_STEP_UNIT_NS; 0: not known. */
    uint32_t error : 5, error_shift : 5;
    uint32_t other_opcode : 8; /* another form that was dispatched in some repeats; 0: none */
};
#define BS_STEP_UNIT_NS    0.0625
#define BS_COST_MAX        ((1 << 13) - 1)
#define BS_ERROR_MAX       ((1 << 5) - 1)
#define BS_ERROR_SHIFT_MAX ((1 << 5) - 1)

/* What a record of CALLS stands for. */
enum bs_call_kind {
    BS_CALL_OUTSIDE = 1, /* depth 0, at most one, first: what ran outside of any opcode */
    BS_CALL_OPCODE,      /* depth 0: the evaluator, running one instruction */
    BS_CALL_FUNCTION,    /* entered by a call */
    BS_CALL_EVALUATOR,   /* the same, and it dispatched opcodes: trees of their own */
    BS_CALL_JUMP,        /* by a jump from where a tail call may be: a function only where symbols
                            say so, else still the one above it */
    BS_CALL_SYSTEM,      /* a system call: function_addr is its number */
};

/* Code of an opcode that no code object of CODES contains. */
#define BS_CALL_NO_CODE 0xffffffu

/*
 * One C function that ran, and how much of it: 32 bytes. As in bs_step an opcode is what was
 * dispatched, so a superinstruction is one tree for two events, and what ran without an event
 * (EXTENDED_ARG, RESUME) has a tree of its own; core/calls.h brings trees and events together. An
 * evaluator that C code called back into is a function of the tree it was called from, and what it
 * ran follows as trees of their own.
 */
struct bs_call {
    uint64_t function_addr; /* where it was entered; of an opcode, its handler; OUTSIDE: 0 */
    uint64_t site_addr;     /* the instruction that led there; 0 at depth 0 */
    uint32_t instructions;  /* of the machine, executed in it and not in what it called */
    uint32_t depth : 16;
    uint32_t kind : 8;     /* enum bs_call_kind */
    uint32_t cut : 8;      /* depth 0: 1 when the walk ended in the middle of it */
    uint32_t opcode : 8;   /* OPCODE, else 0: what was dispatched */
    uint32_t code : 24;    /* OPCODE, else 0; BS_CALL_NO_CODE: of the interpreter's own */
    uint32_t offset_units; /* OPCODE, else 0 */
};

/*
 * A function at a C address: 40 bytes, sorted by address. Several for one address are functions
 * inlined into each other, innermost first; all but the last of them are `inlined`.
 */
struct bs_symbol {
    uint64_t addr;
    uint64_t offset_bytes; /* of addr, from the start of the module; 0 without module */
    uint32_t function;     /* heap offsets; 0: not known */
    uint32_t file;
    uint32_t module;
    uint32_t line; /* of addr itself in the innermost, of the inlined call in the others; 0: none */
    uint32_t inlined;  /* 0 or 1 */
    uint32_t reserved; /* 0 */
};

/* How CALL ended. Anything but RETURNED and RAISED means that there may be no or fewer events. */
enum bs_outcome {
    BS_OUTCOME_NONE,       /* still running */
    BS_OUTCOME_RETURNED,   /* the type's name at outcome_text, or 0 */
    BS_OUTCOME_RAISED,     /* CALL itself raised: `raised` at outcome_text */
    BS_OUTCOME_UNRESOLVED, /* CALL could not be compiled, looked up or called: message */
    BS_OUTCOME_REFUSED,    /* the agent could not do what was asked: message */
    /* For both, fault_addr is the pc where known, and the text what the C library or a sanitizer
       said of it, or empty. */
    BS_OUTCOME_CRASHED, /* outcome_number is the signal */
    BS_OUTCOME_EXITED,  /* outcome_number is the exit status */
    BS_OUTCOME_TIMED_OUT,
    BS_OUTCOME_INTERRUPTED, /* the debugger asked to stop */
};

enum bs_engine {
    BS_ENGINE_AUTO,
    BS_ENGINE_PROBE,
    BS_ENGINE_SETTRACE,
};

enum bs_clock {
    BS_CLOCK_SYSTEM, /* clock_gettime(CLOCK_MONOTONIC) */
    BS_CLOCK_TSC,
};

enum bs_image_flags {
    BS_IMAGE_TIMED = 1 << 0,           /* made by profile: the statistics below are set */
    BS_IMAGE_ISOLATED = 1 << 1,        /* ran in a clone */
    BS_IMAGE_ADAPTIVE = 1 << 2,        /* --adaptive: listings show specialised forms */
    BS_IMAGE_PER_INSTRUCTION = 1 << 3, /* steps are per instruction, not per execution */
    BS_IMAGE_DIVERGED = 1 << 4,        /* a repeat took another path, from diverged_event on */
    BS_IMAGE_EVENTS_LOST = 1 << 5,     /* not all were recorded; events_seen says how many */
    BS_IMAGE_CALLS_CUT = 1 << 6,       /* the C walk reached its step limit */
    BS_IMAGE_FULL = 1 << 7,            /* EVENTS_LOST: no room for code or texts, whatever the
                                          limit; without it: max_events was reached */
    BS_IMAGE_DEBUG_BUILD = 1 << 8,     /* of Python: configured --with-pydebug */
    BS_IMAGE_THREADS = 1 << 9,    /* ISOLATED: the process had others, which the clone has not */
    BS_IMAGE_POOLS = 1 << 10,     /* THREADS: a library was told to compute without them */
    BS_IMAGE_DISPLAY = 1 << 11,   /* ISOLATED: the clone was cut off from a display */
    BS_IMAGE_CONNECTED = 1 << 12, /* ISOLATED: the clone has connections of the process */
    BS_IMAGE_PATTERNED = 1 << 13, /* TIMED: most repeats timed one opcode in seven */
    BS_IMAGE_FLAGS_KNOWN = (1 << 14) - 1,
};

struct bs_image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes; /* sizeof(struct bs_image_header) */
    uint32_t flags;        /* enum bs_image_flags */
    uint32_t python;       /* PY_VERSION_HEX of the interpreter that ran */
    uint32_t engine;       /* enum bs_engine, never AUTO */
    uint32_t clock;        /* enum bs_clock */
    uint64_t clock_hz;     /* ticks a second; 1000000000 for BS_CLOCK_SYSTEM */

    uint32_t outcome; /* enum bs_outcome */
    int32_t outcome_number;
    uint32_t outcome_text;  /* heap offset of a string, or of a `raised` for RAISED */
    uint32_t target_text;   /* heap offset of CALL as typed */
    uint32_t engine_text;   /* heap offset: why no better engine was used, or of this one; or 0 */
    uint32_t function_text; /* heap offset: __qualname__ of what CALL calls, or 0 */
    uint32_t diverged_event;
    uint32_t diverged_step; /* with BS_IMAGE_DIVERGED: the first that is per instruction */
    uint64_t fault_addr;
    uint64_t events_seen; /* events that happened, recorded or not */

    /* Only with BS_IMAGE_TIMED. Whole runs of CALL, minimum over the repeats. */
    uint32_t warmups, repeats, uninstrumented_repeats;
    uint32_t aftermath_ppm;   /* millionths of an opcode's time that were taken off those
                                 after it, which waited for it, and charged to it */
    double uninstrumented_ns; /* nothing traced; mean of the fastest runs, of all when DIVERGED */
    double uninstrumented_median_ns; /* the same, median */
    double instrumented_ns;          /* with the engine on, less what it takes off */
    double elapsed_ns;               /* the whole command inside the clone */
    double overhead_ns;              /* what a step contains of the engine, on the average */
    double overhead_spread_ns;       /* interquartile range of that */
    double clock_step_ns;            /* usual difference of readings that differ */
    double entry_ns; /* of the first opcode's time what passed before it was dispatched: CALL's
                        way into the interpreter; 0: not known, or no step is of the first alone */

    uint64_t walked_instructions; /* of the machine, by the C walk; 0: there was none */
    uint32_t walk_text;           /* heap offset: why CALLS is missing or ends early, or 0 */
    uint32_t walk_limit;          /* bs_request.max_walk */

    struct bs_section sections[BS_SECTION_COUNT];
};

/* Bits of a byte of `kinds`, as in CPython's Include/internal/pycore_code.h (3.11). */
#define BS_LOCAL_PLAIN 0x20
#define BS_LOCAL_CELL  0x40
#define BS_LOCAL_FREE  0x80

_Static_assert(sizeof(struct bs_event) == 12, "events are 12 bytes: raise BS_IMAGE_VERSION");
_Static_assert(sizeof(struct bs_step) == 24, "steps are 24 bytes: raise BS_IMAGE_VERSION");
_Static_assert(sizeof(struct bs_call) == 32, "calls are 32 bytes: raise BS_IMAGE_VERSION");
_Static_assert(sizeof(struct bs_symbol) == 40, "symbols are 40 bytes: raise BS_IMAGE_VERSION");
_Static_assert(sizeof(struct bs_image_header) == 352, "header changed: raise BS_IMAGE_VERSION");

#endif
