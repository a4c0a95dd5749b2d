/* What a worker wrote to standard error, as far as it may say why it ended. */
#include "agent/copy/standard_error.h"
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_words(const char *written, size_t bytes, const char *expected) {
    char words[64];
    const int fd = bs_standard_error_open();
    if (!CHECK(fd >= 0))
        return;
    CHECK_EQ(write(fd, written, bytes), (ssize_t)bytes);
    bs_standard_error_words(fd, words, sizeof(words));
    CHECK_TEXT(words, expected);
    close(fd);
}

TEST(standard_error, says_what_may_be_the_reason) {
    static const struct {
        const char *written, *words;
    } cases[] = {
        {"", ""},
        {"\n \n\n", ""},
        {"gone", "it last wrote to standard error: gone"},
        {"gone\n", "it last wrote to standard error: gone"},
        {"1\n2\n3\n\n4\n\n", "it last wrote to standard error: 2 3 4"},
        {"1\nFatal Python error: f: no\nPython runtime state: initialized\n",
         "Fatal Python error: f: no"},
        {"Fatal Python error: 1\nFatal Python error: 2\n3\n4\n5", "Fatal Python error: 2"},
        {"no Fatal Python error: 1\n", "it last wrote to standard error: no Fatal Python error: 1"},
        {"a word that is longer than there is room for in 64 bytes",
         "it last wrote to standard error: a word that is longer than th"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_words(cases[i].written, strlen(cases[i].written), cases[i].words);
    check_words("1\0\n2", 4, "it last wrote to standard error: 1 2");
}

TEST(standard_error, nothing_is_said_where_nothing_is_kept) {
    char words[64] = "?";
    bs_standard_error_trim(-1);
    bs_standard_error_words(-1, words, sizeof(words));
    CHECK_TEXT(words, "");
}

/* However much is written, little memory is used, and the end is kept. */
TEST(standard_error, is_kept_short) {
    char words[64], line[4096];
    struct stat status;
    const int fd = bs_standard_error_open();
    memset(line, '.', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    for (int i = 0; i < 4096; i++) {
        CHECK_EQ(write(fd, line, sizeof(line)), sizeof(line));
        bs_standard_error_trim(fd);
        CHECK_EQ(fstat(fd, &status), 0);
        if (!CHECK(status.st_blocks * 512 < 2 << 20))
            break;
    }
    CHECK_EQ(write(fd, "\n1\n2\n3\n", 7), 7);
    bs_standard_error_trim(fd);
    bs_standard_error_words(fd, words, sizeof(words));
    CHECK_TEXT(words, "it last wrote to standard error: 1 2 3");
    close(fd);
}

TEST(standard_error, is_not_kept_where_files_must_not_grow) {
    int status = -1;
    const pid_t child = fork();
    if (!child) {
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 20, 1 << 20});
        _exit(bs_standard_error_open() != -1);
    }
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
}
