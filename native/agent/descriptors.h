/* File descriptors of the worker: nothing that it prints may reach the program's terminal. */
#ifndef BS_AGENT_DESCRIPTORS_H
#define BS_AGENT_DESCRIPTORS_H

/*
 * Make /dev/null of descriptors 0, 1 and 2, of every descriptor that is a terminal, and of every
 * other one for the same file or pipe as 0, 1 or 2 were. The rest stay open. But 2 becomes
 * @p error, which goes, unless that is -1.
 */
void bs_descriptors_silence(int error);

#endif
