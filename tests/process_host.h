/*
 * A host (command/host.h) over a real process that the test has started: ptrace for threads,
 * registers and calls, /proc for memory, libdw for symbols and stacks. With it every command can be
 * tried on real interpreters with no debugger at all.
 *
 * Like a debugger it stops on every fork and clone that a traced thread makes: a call that makes a
 * process which debuggers would see fails.
 */
#ifndef TESTS_PROCESS_HOST_H
#define TESTS_PROCESS_HOST_H

#include "command/host.h"

#include <sys/types.h>
#include <sys/user.h>

struct process_host {
    struct bs_host host; /* what commands are given */
    struct bs_host_state state;

    unsigned int callbacks, interrupt_at; /* so far; the one that is a Ctrl-C, from 1; 0: none */
    bool interrupted;
    const char *upgraded; /* part of a path: its file is another by now; NULL: none is */
    bool through_host;    /* say REMOTE, so that memory is read through callbacks */

    struct bs_buffer output;
    unsigned int progress_drawn;
    bool progress_shown;

    struct process_thread *threads;
    size_t thread_count;
    struct process_symbols *symbols; /* made when needed, gone when libraries may have come */
};

/* Attach to @p pid, a child of this process, and stop all of its threads; NULL and a failed check
   when that is not possible. The main thread is selected. */
struct process_host *process_host_attach(pid_t pid);
/* Let go, so that it runs on. */
void process_host_detach(struct process_host *process);

/* Resume all threads for @p ms milliseconds, and stop them again. */
void process_host_run(struct process_host *process, unsigned int ms);
/* Run until @p tid is about to execute @p addr, at most ten seconds; whether it came there. */
bool process_host_run_to(struct process_host *process, int tid, uint64_t addr);
/* Execute one machine instruction of @p tid; its registers afterwards, or as they are. */
bool process_host_step(struct process_host *process, int tid);
bool process_host_registers(struct process_host *process, int tid, struct user_regs_struct *ret);

/* The address of a symbol, 0: there is none. */
uint64_t process_host_symbol(struct process_host *process, const char *name);
/* What was printed so far, terminated; valid until more is printed. */
const char *process_host_output(struct process_host *process);

#endif
