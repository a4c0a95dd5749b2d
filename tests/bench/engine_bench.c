/*
 * What it costs to be traced: the agent's C trace function beside sys.settrace with a Python
 * callback, per opcode, on every interpreter of this machine, as ratios in one run.
 */
#include "interpreters.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT SOURCE_DIR "/tests/bench/engine_bench.py"
#define DRIVER SOURCE_DIR "/tests/agent/driver.py"
#define AGENT  BUILD_DIR "/libbytesight_agent.so"

/* Nanoseconds for one opcode: not traced, and traced in three ways. */
struct costs {
    double plain, empty, noting, engine;
};

static bool measure(const struct interpreter *interpreter, struct costs *ret) {
    const char *const args[] = {"-I", "-B", SCRIPT, DRIVER, AGENT, NULL};
    pid_t pid;
    FILE *output = program_open(interpreter->path, args, &pid);
    if (!output)
        return false;
    int read =
        fscanf(output, "%lf %lf %lf %lf", &ret->plain, &ret->empty, &ret->noting, &ret->engine);
    return program_close(output, pid) == 0 && read == 4;
}

static void print_row(const struct interpreter *interpreter, const struct costs *costs) {
    double engine = costs->engine - costs->plain;
    printf("%-8s %8.1f %8.1f %8.1f %8.1f %10.1f %10.1f  %s\n", interpreter->name, costs->plain,
           costs->empty - costs->plain, costs->noting - costs->plain, engine,
           (costs->empty - costs->plain) / engine, (costs->noting - costs->plain) / engine,
           interpreter->path);
}

int main(void) {
    size_t count;
    const struct interpreter *each = interpreters(&count);
    bool failed = false;
    printf("Nanoseconds added to an opcode by a trace function: a Python one that does nothing,\n"
           "a Python one that notes where and when, and the settrace engine, which notes that;\n"
           "and how many times as much the Python ones cost.\n\n"
           "Python      plain    empty   noting   engine empty/eng. noting/eng.\n");
    for (size_t i = 0; i < count; i++) {
        struct costs costs;
        if (!interpreter_is_wanted(&each[i]))
            continue;
        if (measure(&each[i], &costs)) {
            print_row(&each[i], &costs);
        } else {
            printf("%-8s failed  %s\n", each[i].name, each[i].path);
            failed = true;
        }
    }
    return failed;
}
