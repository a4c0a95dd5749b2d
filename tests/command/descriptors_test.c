/* What the process waits by is as it was, whatever its copy does with it. */
#include "check.h"
#include "program.h"

#include <string.h>

#define DESCRIPTORS SOURCE_DIR "/tests/command/programs/descriptors.py"

/* Twice: each copy finds them as the process has them. */
static void events(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program =
        program_start_file(interpreter, DESCRIPTORS, "events");
    for (int i = 0; program.process && i < 2; i++) {
        CHECK_SHOWS(&program, "trace use()", "Trace of `use`");
        const char *output = process_host_output(program.process);
        if (!CHECK(!strstr(output, "raised")))
            printf("  %s\n", output);
    }
}

TEST(descriptors, of_events_are_its_own) {
    interpreters_each(events);
}
