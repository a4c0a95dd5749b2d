#include "check.h"
#include "command/options.h"

#include <stdlib.h>
#include <string.h>

/* Parse @p line for the verb @p bit; the operand it leaves, or NULL after a failed check. */
static const char *parse(const char *verb, uint32_t bit, const char *line,
                         struct bs_options *options) {
    const char *operand = NULL;
    if (!CHECK_OK(bs_options_init(options)) ||
        !CHECK_OK(bs_options_parse(verb, bit, line, options, &operand)))
        return NULL;
    return operand;
}

static void check_refused(const char *verb, uint32_t bit, const char *line, const char *part) {
    _cleanup_options_ struct bs_options options = {};
    const char *operand;
    if (CHECK_OK(bs_options_init(&options)))
        CHECK_ERROR(bs_options_parse(verb, bit, line, &options, &operand), BS_ERROR_USAGE, part);
}

static void check_call(const char *line, const char *call) {
    _cleanup_options_ struct bs_options options = {};
    CHECK_TEXT(parse("trace", BS_VERB_TRACE, line, &options), call);
}

TEST(parse, what_follows_the_options_is_raw) {
    check_call("hot", "hot");
    check_call("  hot(10)", "hot(10)");
    check_call("--timeout 5 hot(\"a  b\", '--x', -1)", "hot(\"a  b\", '--x', -1)");
    check_call("--timeout=5 f(x) --save y", "f(x) --save y");
    check_call("f(\"it's\")", "f(\"it's\")");
    check_call("f('unclosed", "f('unclosed");
    check_call("-- -f()", "-f()");
    check_call("--in-process -- --x", "--x");
    check_call("f('\\\\')", "f('\\\\')");
    check_call("--timeout 5", "");
    check_call("", "");
    check_call("λ(\"é\")", "λ(\"é\")");
}

static struct bs_error *late(const char *line) {
    _cleanup_options_ struct bs_options options = {};
    const char *operand = parse("profile", BS_VERB_PROFILE, line, &options);
    return operand ? bs_options_late("profile", BS_VERB_PROFILE, line, operand) : NULL;
}

TEST(parse, options_behind_the_operand_are_told_where_they_belong) {
    CHECK_ERROR(late("f(1) --repeats 5"), BS_ERROR_USAGE,
                "--repeats comes too late: options come first, as in `bytesight profile --repeats "
                "5 f(1)`");
    CHECK_ERROR(late("--warmups 3 f --no-color"), BS_ERROR_USAGE, "profile --no-color f`");
    CHECK_ERROR(late("f('(') --engine=probe"), BS_ERROR_USAGE, "--engine=probe f('(')`");
    CHECK_OK(late("f(1)"));
    CHECK_OK(late("f(x --repeats)"));
    CHECK_OK(late("f(' --repeats 5')"));
    CHECK_OK(late("f(x) --nonsense"));
    CHECK_OK(late("f(x) --"));
    CHECK_OK(late("-- f(1) --repeats 5"));
    CHECK_OK(late("--repeats 5"));
    CHECK_OK(late(""));
}

TEST(parse, values_follow_an_equals_sign_or_a_blank) {
    static const char *const lines[] = {"--repeats=5 f", "--repeats 5 f", "--repeats  '5' f",
                                        "--rep=5 f", "--repeats=\"5\" f"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        _cleanup_options_ struct bs_options options = {};
        CHECK_TEXT(parse("profile", BS_VERB_PROFILE, lines[i], &options), "f");
        CHECK_EQ(options.repeats, 5);
    }
}

TEST(parse, file_names_are_quoted_as_in_a_shell) {
    _cleanup_options_ struct bs_options options = {};
    CHECK_TEXT(parse("trace", BS_VERB_TRACE, "--save 'a b.trace' --json=c\\ d f()", &options),
               "f()");
    CHECK_TEXT(options.save, "a b.trace");
    CHECK_TEXT(options.json, "c d");
}

TEST(parse, the_last_of_two_wins) {
    _cleanup_options_ struct bs_options options = {};
    CHECK_TEXT(parse("trace", BS_VERB_TRACE, "--save a --save b --engine probe --engine=settrace f",
                     &options),
               "f");
    CHECK_TEXT(options.save, "b");
    CHECK_EQ(options.engine, BS_ENGINE_SETTRACE);
}

TEST(parse, negative_spellings_switch_off) {
    _cleanup_options_ struct bs_options options = {};
    CHECK_TEXT(parse("profile", BS_VERB_PROFILE,
                     "--adaptive --no-adaptive --no-native --no-color --in-process f", &options),
               "f");
    CHECK(!options.adaptive && !options.color && options.in_process);
    CHECK_EQ(options.native, BS_NATIVE_NONE);
}

TEST(parse, two_lines_do_not_disturb_each_other) {
    for (int i = 0; i < 3; i++) {
        _cleanup_options_ struct bs_options options = {};
        CHECK_TEXT(parse("show", BS_VERB_SHOW, "--range 2-3 --by op", &options), "");
        CHECK_EQ(options.range.last, 3);
        CHECK_EQ(options.by, BS_BY_OPCODE);
        check_refused("show", BS_VERB_SHOW, "--nonsense", "no option --nonsense");
    }
}

TEST(parse, mistakes_name_the_option_and_the_way_out) {
    const uint32_t trace = BS_VERB_TRACE, profile = BS_VERB_PROFILE, show = BS_VERB_SHOW;
    check_refused("trace", trace, "--foo f", "trace has no option --foo; it takes --engine, ");
    check_refused("trace", trace, "--foo=3 f", "no option --foo; it takes");
    check_refused("trace", trace, "--timout 3 f", "no option --timout; did you mean --timeout?");
    check_refused("trace", trace, "--engin3=x f", "no option --engin3; did you mean --engine?");
    check_refused("show", show, "--bx", "no option --bx; it takes");
    check_refused("trace", trace, "--repeats 5 f",
                  "--repeats is an option of profile, not of "
                  "trace; `bytesight help trace` lists");
    check_refused("show", show, "--timeout 5", "--timeout is an option of trace and profile");
    check_refused("trace", trace, "-x f", "trace has no option -x; it takes");
    check_refused("profile", profile, "--no f", "--no is ambiguous: --no-in-process, ");
    check_refused("trace", trace, "--in-process=5 f", "--in-process takes no value");
    check_refused("profile", profile, "--no-adaptive=1 f", "--no-adaptive takes no value");
    check_refused("trace", trace, "--timeout", "--timeout needs a value: --timeout 60");
    check_refused("trace", trace, "--save", "--save needs a value: --save FILE");
    check_refused("show", show, "--event", "--event needs a value: --event N");
    check_refused("trace", trace, "--timeout x f", "--timeout takes seconds, from 0.01 to 86400");
    check_refused("trace", trace, "--engine= f", "--engine takes auto, probe or settrace");
    check_refused("trace", trace, "--save 'a f()", "the quote in a f() is not closed");
    check_refused("stack", BS_VERB_STACK, "--range 3", "--range is an option of show");
}

TEST(parse, options_that_contradict_each_other_are_refused) {
    _cleanup_options_ struct bs_options options = {}, other = {};
    check_refused("show", BS_VERB_SHOW, "--range 1-3 --json x",
                  "--json writes the whole trace, whatever --range says; leave one of them out");
    check_refused("show", BS_VERB_SHOW, "--json x --event 1", "whatever --event says");
    check_refused("show", BS_VERB_SHOW, "--json x --by line", "whatever --by says");
    check_refused("show", BS_VERB_SHOW, "--json x --no-native", "whatever --native=none says");
    check_refused("show", BS_VERB_SHOW, "--event 1 --range 1",
                  "--event prints one event in full, whatever --range says; leave one");
    check_refused("show", BS_VERB_SHOW, "--event 1 --by opcode", "whatever --by says");
    check_refused("show", BS_VERB_SHOW, "--event 1 --nat=no", "whatever --native=none says");
    CHECK_TEXT(parse("show", BS_VERB_SHOW, "--event 1 --native=tree", &options), "");
    CHECK_TEXT(parse("profile", BS_VERB_PROFILE, "--no-native --json x f", &other), "f");
}

/* A default is no contradiction: the user said it at another time. */
TEST(parse, defaults_give_way) {
    _cleanup_options_ struct bs_options options = {};
    const char *operand;
    if (!CHECK_OK(bs_options_init(&options)))
        return;
    options.native = BS_NATIVE_NONE;
    CHECK_OK(bs_options_parse("show", BS_VERB_SHOW, "--event 1", &options, &operand));
}

/* Whatever bytes come: an error or an operand within the line. */
TEST(parse, any_bytes_are_survived) {
    static const char pieces[][12] = {"--",  "-",   "=",   "'",    "\"",    "\\",     " ",  "save",
                                      "no-", "f(",  ")",   "time", "out",   "\xff",   "\t", "5",
                                      "by",  "col", "or ", "--x ", "event", "-range", "1-", "json"};
    uint32_t seed = 12345;
    for (int round = 0; round < 20000; round++) {
        char line[256] = "";
        for (int i = 0; i < 14; i++) {
            seed = seed * 1664525 + 1013904223;
            strcat(line, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
        }
        _cleanup_options_ struct bs_options options = {};
        const char *operand = NULL;
        struct bs_error *error = bs_options_init(&options);
        if (!error)
            error =
                bs_options_parse("show", BS_VERB_SHOW | BS_VERB_TRACE, line, &options, &operand);
        if (!error)
            error = bs_options_late("show", BS_VERB_SHOW | BS_VERB_TRACE, line, operand);
        bool good = error ? error->code == BS_ERROR_USAGE && !strchr(error->message, '\n')
                          : operand >= line && operand <= line + strlen(line);
        bs_error_destroy(error);
        if (!CHECK(good))
            return;
    }
}
