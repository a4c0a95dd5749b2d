/* The Python threads of a target: those that the interpreter knows, in every sub-interpreter. */
#ifndef BS_INSPECT_THREADS_H
#define BS_INSPECT_THREADS_H

#include "inspect/interpreter.h"

#define BS_THREADS_MAX      4096 /* per target: a longer list is taken to be corrupt */
#define BS_INTERPRETERS_MAX 256

struct bs_thread {
    uint64_t state_addr;       /* PyThreadState */
    uint64_t interpreter_addr; /* PyInterpreterState */
    uint64_t ident;            /* as threading.get_ident() gives it */
    int tid;                   /* as the kernel numbers it; 0: not known */
    bool holds_gil;
    bool has_frames;
};

struct bs_threads {
    struct bs_thread *items; /* newest first, as the interpreter keeps them */
    size_t count;
    struct bs_error *stopped; /* why the list ends early; NULL: it is whole */
};

/*
 * What cannot be read is where the list ends; fails where that is before the first thread, and for
 * all other reasons (bs_error_is_about_data()).
 */
struct bs_error *bs_threads_list(const struct bs_interpreter *python, struct bs_threads *ret);
void bs_threads_deinit(struct bs_threads *threads);
#define _cleanup_threads_ _cleanup_(bs_threads_deinit)

/*
 * Read the thread state at @p state_addr. The kernel's number of a thread is read from the C
 * library's descriptor of it, where the library says (glibc's _thread_db_pthread_tid) at which
 * offset: what Python noted is another process's where a program forks and does not tell Python,
 * as servers that embed it do, and 3.10 notes nothing.
 */
struct bs_error *bs_thread_read(const struct bs_interpreter *python, uint64_t state_addr,
                                struct bs_thread *ret);

/*
 * The thread that the kernel numbers @p tid, or NULL. Of several states of one thread
 * (sub-interpreters) the one that holds a GIL, else one that has frames.
 */
const struct bs_thread *bs_threads_by_tid(const struct bs_threads *threads, int tid);

#endif
