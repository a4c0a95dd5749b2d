/* The agent can be loaded where the C library is older than the one that it was built with. */
#include "check.h"
#include "interpreters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OLDEST_MINOR 17 /* of glibc 2: libc_versions.h */

TEST(libc, nothing_is_wanted_of_a_newer_one) {
    const char *const args[] = {"-D", "--undefined-only", "--with-symbol-versions",
                                BUILD_DIR "/libbytesight_agent.so", NULL};
    char symbol[256];
    pid_t pid;
    size_t versioned = 0;
    FILE *symbols = program_open("/usr/bin/nm", args, &pid);
    if (!CHECK(symbols))
        return;
    while (fscanf(symbols, " %*[Uw] %255s", symbol) == 1) {
        const char *version = strstr(symbol, "@GLIBC_2.");
        if (!version)
            continue;
        versioned++;
        if (!CHECK(atoi(version + strlen("@GLIBC_2.")) <= OLDEST_MINOR))
            printf("  %s\n", symbol);
    }
    CHECK_EQ(program_close(symbols, pid), 0);
    CHECK(versioned > 10);
}
