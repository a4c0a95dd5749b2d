#include "agent/block.h"

#include <stdalign.h>
#include <stdint.h>
#include <sys/mman.h>

/* Stands before what is handed out. */
struct block {
    size_t bytes; /* with this */
    alignas(max_align_t) char data[];
};

void *bs_block_create(size_t count, size_t item_bytes) {
    size_t bytes;
    if (__builtin_mul_overflow(count, item_bytes, &bytes) ||
        __builtin_add_overflow(bytes, sizeof(struct block), &bytes))
        return NULL;
    struct block *block =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return NULL;
    block->bytes = bytes;
    return block->data;
}

void bs_block_destroy(void *data) {
    if (!data)
        return;
    struct block *block = (struct block *)((char *)data - offsetof(struct block, data));
    munmap(block, block->bytes);
}
