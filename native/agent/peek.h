/* A byte of our own memory that may not be there. */
#ifndef BS_AGENT_PEEK_H
#define BS_AGENT_PEEK_H

#include <stdint.h>

/* 0 where nothing is mapped. By system calls alone; errno may change. */
uint8_t bs_peek(uint64_t addr);

#endif
