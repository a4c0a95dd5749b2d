#include "check.h"
#include "inspect/target.h"

#include <stdio.h>
#include <string.h>

/* The last words of a page, with nothing behind. */
#define MEMORY_BYTES 32
#define END_ADDR     0x20000ull

static struct bs_error *read_memory(void *arg, uint64_t addr, void *ret, size_t length) {
    const char *memory = arg;
    if (addr < END_ADDR - MEMORY_BYTES || addr > END_ADDR || length > END_ADDR - addr)
        return bs_error_fault(addr, "memory");
    memcpy(ret, memory + (addr + MEMORY_BYTES - END_ADDR), length);
    return NULL;
}

/* A string of each length that ends where memory does, read into @p size bytes. */
static void read_last(size_t size) {
    const char text[] = "a_name_longer_than_two_words";
    char memory[MEMORY_BYTES] = {0}, expected[sizeof(text)], ret[sizeof(text)];
    const struct bs_target target = {.arg = memory, .read = read_memory};
    for (size_t length = 0; length < sizeof(text); length++) {
        const char *name = text + sizeof(text) - 1 - length;
        memcpy(memory + MEMORY_BYTES - 1 - length, name, length + 1);
        snprintf(expected, size, "%s", name);
        CHECK_OK(bs_read_string(&target, END_ADDR - 1 - length, "a name", ret, size));
        CHECK(!strcmp(ret, expected));
    }
}

TEST(inspect_target, a_string_may_end_where_memory_does) {
    read_last(sizeof("a_name_longer_than_two_words"));
}

TEST(inspect_target, a_longer_string_is_cut) {
    read_last(11);
    read_last(1);
}

TEST(inspect_target, a_string_without_end_is_a_fault) {
    char memory[MEMORY_BYTES], ret[64];
    const struct bs_target target = {.arg = memory, .read = read_memory};
    memset(memory, 'x', sizeof(memory));
    CHECK_ERROR(bs_read_string(&target, END_ADDR - 5, "a name", ret, sizeof(ret)), BS_ERROR_FAULT,
                "a name");
    CHECK(!strcmp(ret, "xxxxx"));
}
