/* Our own memory that may not be there. */
#ifndef BS_AGENT_PEEK_H
#define BS_AGENT_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False where not all of it is mapped. By system calls alone; errno may change. */
bool bs_peek(uint64_t addr, void *ret, size_t bytes);

#endif
