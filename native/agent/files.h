/*
 * A copy of a process shares with it what open() made: where it is in each file. What CALL read, the
 * program would not find any more. So the copy opens its files anew, at the same positions.
 */
#ifndef BS_AGENT_FILES_H
#define BS_AGENT_FILES_H

#include <sys/types.h>

/*
 * If @p fd is a file or a directory, open it anew under the same number. Those that were one for
 * @p original, the process that was copied, stay one. What may not be opened any more stays shared.
 */
void bs_files_renew(int fd, pid_t original);

#endif
