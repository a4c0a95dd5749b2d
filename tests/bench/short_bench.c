/*
 * How right are the times of short functions? For every interpreter, tests/bench/short.py tells
 * what copies of a statement are shown to take, as a part of what they add to an uninstrumented
 * function.
 */
#include "check.h"
#include "probe/probed.h"

#include <stdio.h>

static void measure(const struct interpreter *interpreter) {
    const char *args[] = {BUILD_DIR "/libbytesight_agent.so", NULL};
    probed_print(interpreter, "bench/short.py", args);
}

TEST(bench, times_of_short_functions) {
    printf("time of copies of a statement, as a part of what they add to the function:\n");
    interpreters_each(measure);
}
