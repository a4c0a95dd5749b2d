/* The engine on every Python: tests/probe/programs/engine.py says what is tried. */
#include "check.h"
#include "probed.h"

#include <stdio.h>
#include <string.h>

#define AGENT BUILD_DIR "/libbytesight_agent.so"

/* As many lines "ok NAME" as the program has cases, and no other. */
static void try_engine(const struct interpreter *interpreter) {
    const char *args[] = {AGENT, NULL};
    struct probed probed;
    size_t cases = 0;
    bool ended = false;
    if (!probed_start(&probed, interpreter, "probe/programs/engine.py", args))
        return;
    CHECK(probed.candidate_count > 0);
    for (char *line = probed_read(&probed); line && !ended; line = probed_read(&probed)) {
        ended = !strcmp(line, "done");
        bool ok = !strncmp(line, "ok ", 3);
        if (!ok && !ended)
            printf("  %s\n", line);
        CHECK(ok || ended);
        cases += ok;
    }
    CHECK(ended);
    CHECK(cases >= 15);
    probed_end(&probed);
}

TEST(probe_engine, does_what_it_says_on_every_python) {
    interpreters_each(try_engine);
}
