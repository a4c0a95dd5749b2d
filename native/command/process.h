/*
 * What Linux says of a process of this machine in /proc. Nothing here is asked about a process
 * behind a stub or in a core file.
 */
#ifndef BS_COMMAND_PROCESS_H
#define BS_COMMAND_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When @p pid was started, in clock ticks since boot; 0 where it cannot be told. */
uint64_t bs_process_start_time(int pid);

/* The same by the wall clock as it is set now, which files' times are by. */
int64_t bs_process_started_ns(int pid);

/* Whether @p pid is there and no zombie. */
bool bs_process_lives(int pid);

/* Whether thread @p tid blocks @p signal_number; false where it cannot be told. */
bool bs_process_blocks(int tid, int signal_number);

/*
 * The signals that wait for the process of thread @p tid, and with @p or_thread those for it alone
 * too: bit N - 1 for signal N. 0 where it cannot be told.
 */
uint64_t bs_process_waiting(int tid, bool or_thread);

/*
 * Whether system calls of thread @p tid are filtered (seccomp) as ours are not; false where it
 * cannot be told.
 */
bool bs_process_filtered(int tid);

/*
 * The first file of which @p pid executes code though it was deleted, or replaced by another of its
 * name; false: there is none.
 */
bool bs_process_deleted_file(int pid, char *ret, size_t size);

/*
 * How many bytes there are below @p addr that a stack at it can use: writable memory without a gap,
 * and what the kernel adds to the main thread's. UINT64_MAX where it cannot be told.
 */
uint64_t bs_process_stack_room(int pid, uint64_t addr);

/*
 * Whether @p pid sees another root directory than we do, as in a container; false where it cannot
 * be told.
 */
bool bs_process_other_root(int pid);

/* The number that process or thread @p pid has for itself: another one in a PID namespace. */
int bs_process_inner_pid(int pid);
/* The thread of @p pid that calls itself @p inner_tid, as this side numbers it; 0: none. */
int bs_process_outer_tid(int pid, int inner_tid);

/*
 * The child of @p parent that calls itself @p inner_pid, as this side numbers it; 0 when there is
 * none that lives.
 */
int bs_process_child(int parent, int inner_pid);

#endif
