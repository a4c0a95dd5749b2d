/*
 * The states of the threads that are not copied with the process. Python deletes them after a fork,
 * and with them what is in a threading.local of theirs: a database's connection would roll back
 * the transaction that the program is in, a file write what the program has still to write, a
 * temporary directory be removed. So they are kept.
 */
#ifndef BS_AGENT_COPY_THREAD_STATES_H
#define BS_AGENT_COPY_THREAD_STATES_H

#include "format/request.h"

/*
 * In a copy of the process, with the GIL held: have Python know of this thread's state only. Those
 * of the others stay as they are, out of its reach. Nothing is done where the request does not say
 * where they are.
 */
void bs_thread_states_keep(const struct bs_request *request);

#endif
