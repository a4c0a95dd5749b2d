#include "check.h"
#include "command/progress.h"

#include "command/clock.h"

#include <string.h>

static void check_line(uint64_t done, uint64_t total, uint64_t seconds, const char *expected) {
    char text[80];
    bs_progress_text("Timing opcodes", done, total, seconds * BS_NS_PER_S, text, sizeof(text));
    CHECK_TEXT(text, expected);
}

TEST(progress, says_what_how_far_and_how_long) {
    check_line(0, 100, 0,
               "Timing opcodes               [..............................]   0%  0:00");
    check_line(50, 100, 65,
               "Timing opcodes               [###############...............]  50%  1:05");
    check_line(100, 100, 9,
               "Timing opcodes               [##############################] 100%  0:09");
    check_line(7, 0, 3, "Timing opcodes               0:03");
}

/* The counters are another process's: they may contradict each other. */
TEST(progress, nonsense_stays_on_one_line) {
    check_line(500, 100, 9,
               "Timing opcodes               [##############################] 100%  0:09");
    char text[80];
    bs_progress_text("A phase whose name is much longer than anybody would expect it to be",
                     UINT64_MAX, UINT64_MAX, UINT64_MAX, text, sizeof(text));
    CHECK(strlen(text) <= 79 && !strchr(text, '\n'));
}

struct seen {
    unsigned int drawn, removed;
};

static void note(void *arg, const char *text) {
    struct seen *seen = arg;
    if (*text)
        seen->drawn++;
    else
        seen->removed++;
}

TEST(progress, what_is_quick_draws_nothing) {
    struct seen seen = {};
    struct bs_host host = {.arg = &seen, .progress = note};
    {
        _cleanup_progress_ struct bs_progress progress;
        bs_progress_init(&progress, &host);
        bs_progress_update(&progress, "Tracing", 1, 2);
    }
    CHECK_EQ(seen.drawn, 0);
    CHECK_EQ(seen.removed, 0);
}

TEST(progress, is_drawn_at_most_ten_times_a_second_and_removed_once) {
    struct seen seen = {};
    struct bs_host host = {.arg = &seen, .progress = note};
    {
        _cleanup_progress_ struct bs_progress progress;
        bs_progress_init(&progress, &host);
        progress.started_ns -= 5 * BS_NS_PER_S; /* as if it had been running */
        for (int i = 0; i < 1000; i++)
            bs_progress_update(&progress, "Tracing", 1, 2);
        CHECK_EQ(seen.drawn, 1);
    }
    CHECK_EQ(seen.removed, 1);
}
