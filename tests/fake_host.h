/*
 * A host (command/host.h) without debugger and without process: memory, symbols, threads and stacks
 * are what the test says, and calls of "the inferior's functions" run C functions of the test. Its
 * inferior can be a Python 3.11 into which the agent is loaded and run, as far as one can tell from
 * outside, so that trace and profile go through it from end to end.
 *
 * Every callback is counted. At the count `trip_at` one thing goes wrong: a Ctrl-C, a refusal, a
 * memory fault, or an answer that is a lie. What is left behind can be asked for afterwards.
 */
#ifndef TESTS_FAKE_HOST_H
#define TESTS_FAKE_HOST_H

#include "command/host.h"
#include "format/request.h"

#define FAKE_PID 4242

enum fake_trip {
    FAKE_NO_TRIP,
    FAKE_CTRL_C,      /* the callback does nothing but say so */
    FAKE_LATE_CTRL_C, /* it does its work first */
    FAKE_REFUSAL,     /* BS_ERROR_HOST, "no can do" */
    FAKE_FAULT,       /* BS_ERROR_FAULT */
    FAKE_LIE,         /* success, and a wrong result */
};

struct fake_host;

/* What the agent's clone does. */
struct fake_run {
    unsigned int polls;   /* looks at the shared mapping until it is done */
    bool stuck;           /* never done; the heart goes on beating */
    bool dead;            /* never done, and the heart stands still */
    bool obeys;           /* done when `cancel` is set */
    int64_t start_result; /* 0: the mapping; else what bytesight_start returns */
    enum bs_outcome outcome;
    int outcome_number;
    const char *outcome_text;
    bool no_events;
};

struct fake_host {
    struct bs_host host; /* what commands are given */
    struct bs_host_state state;

    unsigned int calls, trip_at; /* callbacks so far; the one that trips, from 1; 0: none */
    enum fake_trip trip;
    bool tripped;
    bool ctrl_c; /* one came where no error could be returned: what interrupted() says */

    struct fake_run run;
    struct bs_request request; /* the last one that bytesight_start was given */
    unsigned int starts, finishes, walks;

    struct bs_buffer output;
    size_t output_spans;
    bool output_no_color;
    unsigned int progress_drawn, progress_removed;
    bool progress_shown;

    struct fake_memory *memory;
    struct fake_thread *threads;
    struct fake_symbol *symbols; /* functions that can be looked up and called */
    uint64_t next_addr;
    bool agent_loaded;
    unsigned int open_fds;
    size_t memfd_bytes;
    uint64_t shared_addr;
    const char *dlopen_error; /* not NULL: the loader refuses, and says this */
    bool no_memfd;            /* memfd_create is there, and fails */
};

/* A stopped process without Python. */
struct fake_host *fake_host_create(void);
void fake_host_destroy(struct fake_host *fake);

/* Memory at @p addr, zeroed; the bytes that back it. It must not overlap other memory. */
void *fake_memory(struct fake_host *fake, uint64_t addr, size_t length);
/* The bytes at @p addr when @p length of them are there, else NULL. */
void *fake_bytes(struct fake_host *fake, uint64_t addr, size_t length);
bool fake_memory_free(struct fake_host *fake, uint64_t addr);

/* What a call of a symbol does; @p fn NULL: it is data, or is never called. */
typedef uint64_t (*fake_fn)(struct fake_host *fake, const uint64_t *args);
void fake_symbol(struct fake_host *fake, const char *name, const char *module, uint64_t addr,
                 fake_fn fn);
/* The same at an address of its own. */
uint64_t fake_function(struct fake_host *fake, const char *name, const char *module, fake_fn fn);
/* A thread, and its C frames innermost first: names of functions, "function@module" where it
   matters; the list ends with NULL. Replaces the frames of a thread that is there. */
void fake_thread(struct fake_host *fake, int tid, const char *const *functions);

/* Make it a process with mmap, dlopen and so on, that can be given the agent. */
void fake_add_libc(struct fake_host *fake);
/*
 * Make it a Python 3.11.2 that is initialised and has one thread, FAKE_PID, which holds the GIL
 * when @p gil_tid is FAKE_PID. Another @p gil_tid adds that thread; 0: nobody holds it.
 */
void fake_add_python(struct fake_host *fake, int gil_tid);
/* Set its state: the words that Py_Initialize and Py_Finalize set. */
void fake_python_state(struct fake_host *fake, bool initialized, bool finalizing);

/* For the functions of the inferior: the address of a symbol, 0: none; what its mmap does. */
uint64_t fake_symbol_addr(const struct fake_host *fake, const char *name);
uint64_t fake_map(struct fake_host *fake, size_t length);
/* The path of the agent in the loader's list; NULL: it was not loaded. */
const char *fake_library_name(struct fake_host *fake);
/* What the inferior does to the shared mapping between two looks at it. */
void fake_run_on(struct fake_host *fake);

/* Pages mapped, descriptors open, runs not finished, progress on the screen: what must be 0. */
unsigned int fake_leftovers(const struct fake_host *fake);
/* What was printed so far, terminated; valid until more is printed. */
const char *fake_output(struct fake_host *fake);

#endif
