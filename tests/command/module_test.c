/* The module in every Python at hand, driven by a host in Python (programs/host.py). */
#include "check.h"
#include "interpreters.h"

static void in_interpreter(const struct interpreter *interpreter) {
    const char *const args[] = {SOURCE_DIR "/tests/command/programs/host.py",
                                BUILD_DIR "/_bytesight.abi3.so", NULL};
    char line[64] = "";
    pid_t pid;
    FILE *output = program_open(interpreter->path, args, &pid);
    if (!CHECK(output != NULL))
        return;
    if (CHECK(fgets(line, sizeof(line), output) != NULL))
        CHECK_TEXT(line, "good\n");
    CHECK_EQ(program_close(output, pid), 0);
}

TEST(module, carries_commands_to_python_and_back) {
    interpreters_each(in_interpreter);
}
