#include "command/complete.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

struct joined {
    char text[2048];
};

static void join(void *arg, const char *word) {
    struct joined *joined = arg;
    strncat(joined->text, word, sizeof(joined->text) - strlen(joined->text) - 2);
    strcat(joined->text, " ");
}

static void check_completes(const char *line, const char *expected) {
    _cleanup_harness_ struct harness harness = harness_create();
    struct joined joined = {};
    bs_complete(harness.session, &harness.fake->host, line, join, &joined);
    CHECK_TEXT(joined.text, expected);
}

TEST(complete, verbs) {
    check_completes("pro", "profile ");
    check_completes("x", "");
    check_completes("help tr", "trace ");
    check_completes("help trace x", "");
}

TEST(complete, options_of_the_verb) {
    check_completes("trace --e", "--engine ");
    check_completes("trace --rep", "");
    check_completes("profile --rep", "--repeats ");
    check_completes("profile --timeout 5 --no-", "--no-in-process --no-trust-seccomp "
                                                 "--no-adaptive --no-native --no-color ");
    check_completes("tra --max", "--max-events ");
    check_completes("save --", "--help ");
}

TEST(complete, values_of_options) {
    check_completes("trace --engine=pr", "--engine=probe ");
    check_completes("trace --engine s", "settrace ");
    check_completes("show --by ", "event opcode family line function ");
    check_completes("profile --native=", "--native=none --native=leaf --native=tree ");
    check_completes("trace --timeout ", "");
    check_completes("trace --save ", "");
}

TEST(complete, not_inside_call) {
    check_completes("trace f(x, --e", "");
    check_completes("trace -- --e", "");
    check_completes("trace --engine", "--engine ");
}

TEST(complete, settings) {
    check_completes("set rep", "repeats ");
    check_completes("set sa", "");
    check_completes("set engine ", "auto probe settrace ");
    check_completes("set adaptive o", "on off ");
    check_completes("set repeats 5 ", "");
}
