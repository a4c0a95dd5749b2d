/*
 * Libraries that compute in threads of their own: BLAS, OpenMP. A copy of the process has none of
 * these threads, and who hands them work in it waits for ever; so they are told to use no others.
 */
#ifndef BS_AGENT_COPY_POOLS_H
#define BS_AGENT_COPY_POOLS_H

#include <stdbool.h>

/* Tell all that are loaded; whether there were any. Looks up names, so the loader must be free. */
bool bs_pools_do_without(void);

#endif
