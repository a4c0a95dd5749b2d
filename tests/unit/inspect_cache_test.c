#include "check.h"
#include "inspect/cache.h"

#include <string.h>

#define MEMORY_ADDR  0x10000ull
#define MEMORY_BYTES 10000 /* two pages and a part of one */

struct memory {
    uint8_t data[MEMORY_BYTES];
    size_t reads;
    bool interrupted;
};

static struct bs_error *read_memory(void *arg, uint64_t addr, void *ret, size_t length) {
    struct memory *memory = arg;
    memory->reads++;
    if (memory->interrupted)
        return &bs_interrupted;
    if (addr < MEMORY_ADDR || addr - MEMORY_ADDR > MEMORY_BYTES ||
        length > MEMORY_BYTES - (addr - MEMORY_ADDR))
        return bs_error_fault(addr, "memory");
    memcpy(ret, memory->data + (addr - MEMORY_ADDR), length);
    return NULL;
}

struct cached {
    struct memory memory;
    struct bs_target source;
    struct bs_cache cache;
};

static bool open_cached(struct cached *cached) {
    memset(cached, 0, sizeof(*cached));
    for (size_t i = 0; i < MEMORY_BYTES; i++)
        cached->memory.data[i] = (uint8_t)(i * 7 >> 3);
    cached->source = (struct bs_target){.arg = &cached->memory, .read = read_memory};
    return CHECK_OK(bs_cache_init(&cached->source, &cached->cache));
}

static struct bs_error *read_cached(struct cached *cached, uint64_t addr, void *ret,
                                    size_t length) {
    return cached->cache.target.read(cached->cache.target.arg, addr, ret, length);
}

TEST(inspect_cache, reads_a_page_once) {
    struct cached cached;
    uint8_t bytes[64];
    if (!open_cached(&cached))
        return;
    for (uint64_t at = 0; at < 4000; at += 32) {
        CHECK_OK(read_cached(&cached, MEMORY_ADDR + at, bytes, sizeof(bytes)));
        CHECK(!memcmp(bytes, cached.memory.data + at, sizeof(bytes)));
    }
    CHECK_EQ(cached.memory.reads, 1);
    bs_cache_deinit(&cached.cache);
}

TEST(inspect_cache, reads_across_pages_and_more_than_a_page) {
    struct cached cached;
    uint8_t bytes[8000];
    if (!open_cached(&cached))
        return;
    CHECK_OK(read_cached(&cached, MEMORY_ADDR + 4090, bytes, 16));
    CHECK(!memcmp(bytes, cached.memory.data + 4090, 16));
    CHECK_OK(read_cached(&cached, MEMORY_ADDR + 1000, bytes, sizeof(bytes)));
    CHECK(!memcmp(bytes, cached.memory.data + 1000, sizeof(bytes)));
    bs_cache_deinit(&cached.cache);
}

TEST(inspect_cache, what_there_is_of_a_page_can_be_read) {
    struct cached cached;
    uint8_t bytes[16];
    if (!open_cached(&cached))
        return;
    CHECK_OK(read_cached(&cached, MEMORY_ADDR + MEMORY_BYTES - 16, bytes, 16));
    CHECK(!memcmp(bytes, cached.memory.data + MEMORY_BYTES - 16, 16));
    CHECK_ERROR(read_cached(&cached, MEMORY_ADDR + MEMORY_BYTES - 8, bytes, 16), BS_ERROR_FAULT,
                "0x");
    CHECK_ERROR(read_cached(&cached, UINT64_MAX - 4, bytes, 16), BS_ERROR_FAULT, "0x");
    bs_cache_deinit(&cached.cache);
}

TEST(inspect_cache, pages_that_want_one_place_take_turns) {
    struct cached cached;
    uint8_t byte;
    if (!open_cached(&cached))
        return;
    CHECK_OK(read_cached(&cached, MEMORY_ADDR, &byte, 1));
    CHECK_ERROR(read_cached(&cached, MEMORY_ADDR + BS_CACHE_PAGES * 4096ull, &byte, 1),
                BS_ERROR_FAULT, "memory");
    CHECK_OK(read_cached(&cached, MEMORY_ADDR, &byte, 1));
    bs_cache_deinit(&cached.cache);
}

TEST(inspect_cache, an_interruption_is_not_remembered) {
    struct cached cached;
    uint8_t byte;
    if (!open_cached(&cached))
        return;
    cached.memory.interrupted = true;
    CHECK_ERROR(read_cached(&cached, MEMORY_ADDR, &byte, 1), BS_ERROR_INTERRUPTED, "");
    cached.memory.interrupted = false;
    CHECK_OK(read_cached(&cached, MEMORY_ADDR, &byte, 1));
    bs_cache_deinit(&cached.cache);
}
