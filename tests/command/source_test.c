/* Source text as the bytesight of a debugger reads it, beside what Python itself reads. */
#include "command/source.h"

#include "check.h"
#include "interpreters.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_PATH BUILD_DIR "/tests/command/source.py"

static void write_source(const char *data, size_t length) {
    FILE *file = fopen(FILE_PATH, "wb");
    CHECK(file && fwrite(data, 1, length, file) == length && !fclose(file));
}

/* Compare each line with what the interpreter prints. */
static void compare(const struct interpreter *interpreter, const char *data) {
    const struct bs_host_state state = {};
    const struct bs_text path = {FILE_PATH, sizeof(FILE_PATH) - 1};
    const char *const args[] = {SOURCE_DIR "/tests/command/programs/lines.py", FILE_PATH, NULL};
    _cleanup_source_ struct bs_source source = {};
    char expected[256];
    uint32_t line = 0;
    pid_t pid;
    FILE *output = program_open(interpreter->path, args, &pid);
    if (!CHECK(output != NULL) || !CHECK_OK(bs_source_load(&state, path, &source)))
        return;
    while (fgets(expected, sizeof(expected), output)) {
        struct bs_text text = bs_source_line(&source, ++line);
        expected[strcspn(expected, "\n")] = '\0';
        if (!CHECK_BYTES(text.data, text.length, expected))
            printf("  line %u of %s\n", line, data);
    }
    CHECK(line > 1);
    CHECK_EQ(program_close(output, pid), 0);
}

static void read_lines(const struct interpreter *interpreter) {
    static const char *const sources[] = {
        "x = 'caf\xc3\xa9'\ny = 1\n",
        "\xef\xbb\xbfx = 'caf\xc3\xa9'\ny = 1\n",
        "\xef\xbb\xbf# coding: utf-8\nx = 'caf\xc3\xa9'\n",
        "# -*- coding: latin-1 -*-\nx = 'caf\xe9'\n",
        "#!/usr/bin/python\n# vim: set fileencoding=Latin_1 :\nx = '\xe9'\n",
        "\f\r\n# coding=iso8859_15\r\nx = '\xa4'\r\n",
        "# coding: cp1252\nx = '\x80'\n",
        "# coding: koi8_r\nx = '\xc1\xc2'\n",
        "# coding: shift_jis\nx = '\x83\x5c\x83\x6e'\n", /* its second byte is a backslash */
        "# coding: euc_jp\nx = '\xa5\xcf\xa5\xed'\n",
        "# coding: mac-roman\nx = '\x8e'\n",
        "# encoding:\tUTF_8\nx = 'caf\xc3\xa9'\n",
        "x = 1\n# coding: latin-1\ny = 'caf\xc3\xa9'\n", /* below code it is none */
        "\n\n# coding: latin-1\ny = 'caf\xc3\xa9'\n",
        "x = 1\ry = 2\r\n\rz = 3\n\r\nw = 4\r",
        "x = 'a\fb'\ny = 'a\v\x1c\xc2\x85\xe2\x80\xa8'\n",
    };
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        write_source(sources[i], strlen(sources[i]));
        compare(interpreter, sources[i]);
    }
    unlink(FILE_PATH);
}

TEST(source, lines_are_those_that_python_reads) {
    interpreters_each(read_lines);
}

/* Python would not run such files; what can be read of them is shown. */
TEST(source, what_cannot_be_decoded_is_no_trap) {
    static const char *const sources[] = {
        "# coding: no-such-encoding\nx = 1\n",
        "# coding: ascii\nx = 1\n#\xe9\n",
        "# coding: euc_jp\nx = 1\n#\xa5",
        "# coding: latin-1",
        "# coding:",
        "#coding=a//TRANSLIT\nx = 1\n",
    };
    const struct bs_host_state state = {};
    const struct bs_text path = {FILE_PATH, sizeof(FILE_PATH) - 1};
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        _cleanup_source_ struct bs_source source = {};
        write_source(sources[i], strlen(sources[i]));
        CHECK_OK(bs_source_load(&state, path, &source));
        struct bs_text text = bs_source_line(&source, 2);
        CHECK_BYTES(text.data, text.length, strchr(sources[i], '\n') ? "x = 1" : "");
    }
    unlink(FILE_PATH);
}

static void check_line(const struct bs_host_state *state, const char *path, const char *expected) {
    _cleanup_source_ struct bs_source source = {};
    CHECK_OK(bs_source_load(state, (struct bs_text){path, strlen(path)}, &source));
    struct bs_text text = bs_source_line(&source, 1);
    CHECK_BYTES(text.data, text.length, expected);
}

/* A process that has BUILD_DIR for its root and one of its folders for its directory; 0: none. */
static pid_t start_rooted(void) {
    int ready[2];
    char byte;
    CHECK(!pipe(ready));
    pid_t pid = fork();
    if (!pid) {
        if (geteuid() && unshare(CLONE_NEWUSER))
            _exit(1);
        if (chroot(BUILD_DIR) || chdir("/tests") || write(ready[1], "", 1) != 1)
            _exit(1);
        pause();
    }
    close(ready[1]);
    bool is_rooted = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (!is_rooted)
        waitpid(pid, NULL, 0);
    return is_rooted ? pid : 0;
}

TEST(source, files_are_those_that_the_program_sees) {
    const struct bs_host_state state = {.kind = BS_HOST_LIVE, .pid = start_rooted()};
    if (!state.pid)
        SKIP("the right to change the root directory");
    write_source("x = 1\n", 6);
    check_line(&state, "/tests/command/source.py", "x = 1");
    check_line(&state, "command/source.py", "x = 1");
    check_line(&state, FILE_PATH, ""); /* ours, of the same name */
    unlink(FILE_PATH);
    kill(state.pid, SIGKILL);
    waitpid(state.pid, NULL, 0);
}

/* Cut off it could be the name of another file. */
TEST(source, a_name_that_is_too_long_is_none) {
    const struct bs_host_state state = {};
    const size_t length = strlen(FILE_PATH);
    char path[PATH_MAX + 3] = "";
    write_source("x = 1\n", 6);
    check_line(&state, FILE_PATH, "x = 1");
    memset(path, '/', PATH_MAX - 1 - length);
    strcat(path, FILE_PATH);
    check_line(&state, path, "x = 1");
    strcat(path, "c");
    check_line(&state, path, "");
    unlink(FILE_PATH);
}
