/* Source files that were changed since the program that runs them was started. */
#include "command/changed.h"

#include "check.h"
#include "program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STOPS SOURCE_DIR "/tests/command/programs/stops.py"
#define COPY  BUILD_DIR "/tests/command/changed.py"
#define OTHER BUILD_DIR "/tests/command/changed_too.py"
#define NOTE                                                                                       \
    COPY " was changed after the program was started: its lines may not be those that run\n"

/* Change @p path at @p seconds from now. */
static void touch(const char *path, int seconds) {
    const time_t when = time(NULL) + seconds;
    const struct timespec times[] = {{.tv_sec = when}, {.tv_sec = when}};
    CHECK(!utimensat(AT_FDCWD, path, times, 0));
}

static void copy_stops(const char *path, int seconds) {
    _cleanup_free_ char *command = NULL;
    CHECK(asprintf(&command, "cp %s %s", STOPS, path) > 0 && !system(command));
    touch(path, seconds);
}

static void look_at(struct bs_changed *changed, const char *path) {
    bs_changed_look(changed, (struct bs_text){path, strlen(path)});
}

TEST(changed, files_are_newer_than_the_process) {
    const struct bs_host_state state = {.kind = BS_HOST_LIVE, .pid = getpid()};
    struct bs_changed changed;
    copy_stops(COPY, -3600);
    copy_stops(OTHER, 3600);
    bs_changed_init(&state, &changed);
    look_at(&changed, COPY);
    look_at(&changed, COPY ".not-there");
    look_at(&changed, BUILD_DIR);
    CHECK_EQ(changed.first.length, 0);
    look_at(&changed, OTHER);
    look_at(&changed, OTHER);
    CHECK(CHECK_BYTES(changed.first.data, changed.first.length, OTHER) && !changed.others);
    touch(COPY, 3600);
    look_at(&changed, COPY);
    CHECK(CHECK_BYTES(changed.first.data, changed.first.length, OTHER) && changed.others);
    unlink(COPY);
    unlink(OTHER);
}

TEST(changed, nothing_is_known_of_a_process_elsewhere) {
    static const enum bs_host_kind kinds[] = {BS_HOST_REMOTE, BS_HOST_CORE};
    copy_stops(COPY, 3600);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct bs_host_state state = {.kind = kinds[i], .pid = getpid()};
        struct bs_changed changed;
        bs_changed_init(&state, &changed);
        look_at(&changed, COPY);
        CHECK_EQ(changed.first.length, 0);
    }
    unlink(COPY);
}

static void check_note(struct program *program, const char *line, bool is_there) {
    if (!CHECK_OK(program_run(program, line)))
        return;
    const char *output = process_host_output(program->process);
    if (is_there && CHECK(!strncmp(output, NOTE, sizeof(NOTE) - 1)))
        output += sizeof(NOTE) - 1;
    CHECK(!strstr(output, "changed after"));
}

static void told(const struct interpreter *interpreter) {
    static const char *const lines[] = {"code hot", "trace hot(2)",
                                        "profile --warmups 5 --repeats 5 --native=none hot(2)"};
    copy_stops(COPY, -3600);
    _cleanup_program_ struct program program = program_start_file(interpreter, COPY, "read");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "trace hot(1)", ""); /* where loading the agent lets threads run */
    for (int changed = 0; changed < 2; changed++) {
        touch(COPY, changed ? 3600 : -3600);
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
            check_note(&program, lines[i], changed);
    }
    check_note(&program, "show", false);
    unlink(COPY);
}

TEST(changed, is_told_once_above_what_is_shown) {
    interpreters_each(told);
}

/* Its files are not those of the same names here. */
static void rooted(const struct interpreter *interpreter) {
    copy_stops(COPY, 3600);
    _cleanup_program_ struct program program = program_start_file(interpreter, COPY, "rooted");
    if (program.process)
        check_note(&program, "code hot", false);
    unlink(COPY);
}

TEST(changed, is_not_told_of_files_under_another_root) {
    interpreters_each(rooted);
}
