/* The agent can be loaded: it wants nothing that is not where it is loaded. */
#include "check.h"
#include "interpreters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OLDEST_MINOR 17 /* of glibc 2: libc_versions.h */

typedef void wanted_fn(const char *symbol, size_t *count);

/* Have @p look see the symbols of others, as nm writes them; how many it has counted. */
static size_t count_wanted(wanted_fn *look) {
    const char *const args[] = {"-D", "--undefined-only", "--with-symbol-versions",
                                BUILD_DIR "/libbytesight_agent.so", NULL};
    char symbol[256];
    pid_t pid;
    size_t count = 0;
    FILE *symbols = program_open("/usr/bin/nm", args, &pid);
    if (!CHECK(symbols))
        return 0;
    while (fscanf(symbols, " %*[Uw] %255s", symbol) == 1)
        look(symbol, &count);
    CHECK_EQ(program_close(symbols, pid), 0);
    return count;
}

static void look_at_version(const char *symbol, size_t *count) {
    const char *version = strstr(symbol, "@GLIBC_2.");
    if (!version)
        return;
    ++*count;
    if (!CHECK(atoi(version + strlen("@GLIBC_2.")) <= OLDEST_MINOR))
        printf("  %s\n", symbol);
}

/* The C library where it is loaded may be older than the one that it was built with. */
TEST(libc, nothing_is_wanted_of_a_newer_one) {
    CHECK(count_wanted(look_at_version) > 10);
}

static void look_at_name(const char *symbol, size_t *count) {
    ++*count;
    if (!CHECK(strncmp(symbol, "bs_", 3) != 0))
        printf("  %s\n", symbol);
}

/* As where a file is not there for this architecture: a library may lack what it calls. */
TEST(libc, nothing_of_its_own_is_missing) {
    CHECK(count_wanted(look_at_name) > 10);
}
