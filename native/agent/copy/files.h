/*
 * What open() makes is shared between a process and its copy, and not only the file: where one is
 * in it, and flags such as O_NONBLOCK. What CALL has read, the program would not find any more.
 */
#ifndef BS_AGENT_COPY_FILES_H
#define BS_AGENT_COPY_FILES_H

#include <sys/types.h>

/*
 * For the worker. If @p fd is a file or a directory, open it anew, at the same position and under
 * the same number; likewise what is in events.h. Those that were one for @p original, the process
 * that was copied, stay one. What may not be opened any more stays shared.
 */
void bs_files_renew(int fd, pid_t original);

/*
 * For the watcher: note the flags of all descriptors before there is a worker, and give them back
 * when it has ended. Sockets and pipes cannot be opened anew.
 */
void bs_files_note_flags(void);
void bs_files_give_back_flags(void);

#endif
