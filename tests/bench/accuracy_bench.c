/*
 * How right are the times? For every interpreter, tests/bench/accuracy.py compares the times of
 * opcodes, summed over the lines of each kind of statement, with slopes of uninstrumented time.
 */
#include "check.h"
#include "probe/probed.h"

static void measure(const struct interpreter *interpreter) {
    const char *args[] = {BUILD_DIR "/libbytesight_agent.so", NULL};
    probed_print(interpreter, "bench/accuracy.py", args);
}

TEST(bench, accuracy_of_times) {
    interpreters_each(measure);
}
