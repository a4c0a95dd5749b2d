#include "inspect/arena.h"

#include <stdalign.h>
#include <string.h>

#define BLOCK_BYTES (64 * 1024)

struct bs_arena_block {
    struct bs_arena_block *next;
    size_t used, capacity;
    alignas(max_align_t) char data[];
};

void bs_arena_deinit(struct bs_arena *arena) {
    while (arena->blocks) {
        struct bs_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->used_bytes = 0;
}

void *bs_arena_alloc(struct bs_arena *arena, size_t size) {
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct bs_arena_block *block = arena->blocks;
    if (rounded < size)
        return NULL;
    if (!block || block->capacity - block->used < rounded) {
        size_t capacity = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;
        block = calloc(1, sizeof(*block) + capacity);
        if (!block)
            return NULL;
        block->capacity = capacity;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *result = block->data + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
    return result;
}

bool bs_arena_text(struct bs_arena *arena, const char *data, size_t length, struct bs_text *ret) {
    char *copy = bs_arena_alloc(arena, length + 1);
    if (!copy)
        return false;
    if (length)
        memcpy(copy, data, length);
    *ret = (struct bs_text){copy, length};
    return true;
}
