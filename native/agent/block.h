/*
 * Memory for what is large however short CALL is. It is not malloc()'s: with --in-process that is
 * the program's own, and the GNU C library, when a large block is given back, takes it for a sign
 * that such blocks come and go: it keeps as much for the next time, and has more of the program's
 * in its heap from then on, where there is a page only for what is touched in its own mapping.
 */
#ifndef BS_AGENT_BLOCK_H
#define BS_AGENT_BLOCK_H

#include <stddef.h>

void *bs_block_create(size_t count, size_t item_bytes); /* all 0; NULL: there is no memory */
void bs_block_destroy(void *block);

#endif
