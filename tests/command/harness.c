#include "harness.h"

#include <stdio.h>
#include <string.h>

#define STAND_IN BUILD_DIR "/tests/command/agent-stand-in"

struct harness harness_create(void) {
    struct harness harness = {.fake = fake_host_create()};
    FILE *file = fopen(STAND_IN, "w");
    CHECK(file && fprintf(file, "%100000d\n", 0) > 0 && !fclose(file));
    CHECK_OK(bs_session_create(STAND_IN, &harness.session));
    return harness;
}

struct harness harness_python(void) {
    struct harness harness = harness_create();
    fake_add_libc(harness.fake);
    fake_add_python(harness.fake, FAKE_PID);
    return harness;
}

void harness_destroy(struct harness *harness) {
    bs_session_destroy(harness->session);
    fake_host_destroy(harness->fake);
}

struct bs_error *harness_run(struct harness *harness, const char *line) {
    harness->fake->output.length = 0;
    return bs_session_run(harness->session, &harness->fake->host, line);
}

bool harness_check_output(struct harness *harness, const char *part, const char *file,
                          unsigned int line) {
    const char *output = fake_output(harness->fake);
    if (strstr(output, part))
        return true;
    return check_text(output, strlen(output), part, "a part of the output", file, line);
}

bool harness_check_prints(struct harness *harness, const char *command, const char *part,
                          const char *file, unsigned int line) {
    struct bs_error *error = harness_run(harness, command);
    return check_no_error(error, command, file, line) &&
           harness_check_output(harness, part, file, line);
}
