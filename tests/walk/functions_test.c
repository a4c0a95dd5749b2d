/* Where functions begin, by unwind information, against the symbols of this program and libc. */
#include "agent/walk_functions.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static enum walk_entry entry_at(const struct walk_functions *functions, const void *addr) {
    return functions->entry(functions->arg, (uint64_t)(uintptr_t)addr);
}

static int local_function(int x) {
    volatile int y = x;
    for (int i = 0; i < x; i++)
        y += i * x;
    return y;
}

TEST(functions, begin_where_they_are_entered) {
    const void *const entries[] = {(void *)(uintptr_t)local_function, (void *)(uintptr_t)qsort,
                                   (void *)(uintptr_t)snprintf, (void *)(uintptr_t)check_register};
    struct walk_functions functions = bs_walk_functions_open();
    if (!CHECK(functions.entry))
        return;
    CHECK_EQ(local_function(3), 12);
    for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
        const char *addr = entries[i];
        CHECK_EQ(entry_at(&functions, addr), WALK_ENTRY_BEGINS);
        CHECK_EQ(entry_at(&functions, addr + 1), WALK_ENTRY_INSIDE);
        CHECK_EQ(entry_at(&functions, addr + 5), WALK_ENTRY_INSIDE);
    }
    bs_walk_functions_close(&functions);
}

TEST(functions, are_not_known_outside_of_modules) {
    static char data[64];
    char *code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct walk_functions functions = bs_walk_functions_open();
    if (!CHECK(functions.entry) || !CHECK(code != MAP_FAILED))
        return;
    CHECK_EQ(entry_at(&functions, NULL), WALK_ENTRY_UNKNOWN);
    CHECK_EQ(entry_at(&functions, code), WALK_ENTRY_UNKNOWN);
    CHECK_EQ(entry_at(&functions, code + 100), WALK_ENTRY_UNKNOWN);
    CHECK_EQ(entry_at(&functions, (void *)-16), WALK_ENTRY_UNKNOWN);
    CHECK(entry_at(&functions, data) != WALK_ENTRY_BEGINS);
    bs_walk_functions_close(&functions);
    munmap(code, 4096);
}

TEST(functions, are_not_looked_for_in_what_only_looks_like_a_module) {
    char *image = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!CHECK(image != MAP_FAILED))
        return;
    /* The header of this program, with all that it leads to left out. */
    memcpy(image, "\177ELF\2\1\1", 7);
    image[54] = 56;              /* e_phentsize */
    image[56] = 3;               /* e_phnum */
    memset(image + 32, 0x7f, 8); /* e_phoff */
    struct walk_functions functions = bs_walk_functions_open();
    CHECK_EQ(entry_at(&functions, image + 4096), WALK_ENTRY_UNKNOWN);
    bs_walk_functions_close(&functions);
    munmap(image, 8192);
}
