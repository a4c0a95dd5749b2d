/*
 * How right are the times? For every interpreter, tests/bench/accuracy.py compares the times of
 * opcodes, summed over the lines of each kind of statement, with slopes of uninstrumented time.
 */
#include "check.h"
#include "probe/probed.h"

#include <stdio.h>

#define AGENT BUILD_DIR "/libbytesight_agent.so"

static void measure(const struct interpreter *interpreter) {
    struct probed probed;
    const char *args[] = {AGENT, NULL};
    if (!probed_start(&probed, interpreter, "bench/accuracy.py", args))
        return;
    for (char *line = probed_read(&probed); line; line = probed_read(&probed)) {
        if (line[0] != '#') /* a sign of life */
            puts(line);
    }
    probed_end(&probed);
}

TEST(bench, accuracy_of_times) {
    interpreters_each(measure);
}
