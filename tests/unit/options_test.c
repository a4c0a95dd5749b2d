#include "check.h"
#include "command/options.h"
#include "core/timing.h"

#include <stdio.h>
#include <string.h>

#define SECOND 1000000000ull

/* The settable row that is called so. */
static const struct bs_option *row(const char *name) {
    size_t rows;
    const struct bs_option *table = bs_option_table(&rows);
    for (size_t i = 0; i < rows; i++) {
        if (!strcmp(table[i].name, name))
            return &table[i];
    }
    CHECK(!"such a row");
    return table;
}

static void check_value(const struct bs_options *options, const char *name, const char *expected) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_option_get(options, row(name), &buffer);
    CHECK_BYTES(buffer.data ? buffer.data : "", buffer.length, expected);
}

TEST(options, defaults_are_those_of_the_table) {
    _cleanup_options_ struct bs_options options = {};
    if (!CHECK_OK(bs_options_init(&options)))
        return;
    CHECK_EQ(options.engine, BS_ENGINE_AUTO);
    CHECK_EQ(options.timeout_ns, 60 * SECOND);
    CHECK_EQ(options.budget_ns, 10 * SECOND);
    CHECK_EQ(options.max_events, 1000000);
    CHECK_EQ(options.warmups, 1500);
    CHECK_EQ(options.repeats, 1500);
    CHECK_EQ(options.native, BS_NATIVE_LEAF);
    CHECK_EQ(options.stats, BS_STATISTIC_MIN);
    CHECK_EQ(options.by, BS_BY_EVENT);
    CHECK(options.color && !options.in_process && !options.adaptive && !options.all);
    CHECK(!options.save && !options.json && !options.event && !options.range.first);
}

/* Every row's default, given and taken again, is the same text. */
TEST(options, values_survive_a_round_trip) {
    size_t rows;
    const struct bs_option *table = bs_option_table(&rows);
    _cleanup_options_ struct bs_options options = {};
    if (!CHECK_OK(bs_options_init(&options)))
        return;
    for (size_t i = 0; i < rows; i++) {
        if (!table[i].fallback)
            continue;
        check_value(&options, table[i].name, table[i].fallback);
    }
    CHECK_OK(bs_option_set(&options, row("range"), "20-40"));
    check_value(&options, "range", "20-40");
    CHECK_OK(bs_option_set(&options, row("range"), "7-"));
    check_value(&options, "range", "7-");
    CHECK_OK(bs_option_set(&options, row("timeout"), "0.25"));
    check_value(&options, "timeout", "0.25");
    CHECK_OK(bs_option_set(&options, row("save"), "a b"));
    check_value(&options, "save", "a b");
}

TEST(options, a_choice_may_be_abbreviated_when_one_begins_so) {
    _cleanup_options_ struct bs_options options = {};
    if (!CHECK_OK(bs_options_init(&options)))
        return;
    CHECK_OK(bs_option_set(&options, row("engine"), "set"));
    CHECK_EQ(options.engine, BS_ENGINE_SETTRACE);
    CHECK_OK(bs_option_set(&options, row("stats"), "min"));
    CHECK_OK(bs_option_set(&options, row("stats"), "med"));
    CHECK_EQ(options.stats, BS_STATISTIC_MEDIAN);
    CHECK_ERROR(bs_option_set(&options, row("stats"), "m"), BS_ERROR_USAGE, "min, median or mean");
    CHECK_ERROR(bs_option_set(&options, row("stats"), ""), BS_ERROR_USAGE, "not \"\"");
}

TEST(options, bad_values_are_refused_with_what_is_wanted) {
    static const struct {
        const char *name, *text, *part;
    } bad[] = {
        {"repeats", "0", "repeats takes a whole number from 1 to 1000000000, not \"0\""},
        {"repeats", "-1", "from 1"},
        {"repeats", "+1", "from 1"},
        {"repeats", " 1", "from 1"},
        {"repeats", "1x", "from 1"},
        {"repeats", "1e3", "from 1"},
        {"repeats", "", "from 1"},
        {"repeats", "99999999999999999999", "from 1"},
        {"timeout", "0", "timeout takes seconds, from 0.01 to 86400, not \"0\""},
        {"timeout", "nan", "seconds"},
        {"timeout", "inf", "seconds"},
        {"timeout", "1m", "seconds"},
        {"timeout", "", "seconds"},
        {"engine", "fast", "engine takes auto, probe or settrace, not \"fast\""},
        {"in-process", "maybe", "in-process takes on or off, not \"maybe\""},
        {"range", "40-20", "such as 20-40"},
        {"range", "0-5", "such as 20-40"},
        {"range", "-5", "such as 20-40"},
        {"range", "1-2-3", "such as 20-40"},
        {"save", "", "save takes the name of a file"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        _cleanup_options_ struct bs_options options = {}, before = {};
        if (!CHECK_OK(bs_options_init(&options)) || !CHECK_OK(bs_options_copy(&options, &before)))
            return;
        CHECK_ERROR(bs_option_set(&options, row(bad[i].name), bad[i].text), BS_ERROR_USAGE,
                    bad[i].part);
        CHECK(!memcmp(&options, &before, sizeof(options)));
    }
}

TEST(options, seconds_may_say_so) {
    _cleanup_options_ struct bs_options options = {};
    if (!CHECK_OK(bs_options_init(&options)))
        return;
    CHECK_OK(bs_option_set(&options, row("timeout"), "5s"));
    CHECK_EQ(options.timeout_ns, 5 * SECOND);
}

TEST(options, copies_own_their_texts) {
    struct bs_options copy;
    {
        _cleanup_options_ struct bs_options options = {};
        if (!CHECK_OK(bs_options_init(&options)) ||
            !CHECK_OK(bs_option_set(&options, row("json"), "x")) ||
            !CHECK_OK(bs_options_copy(&options, &copy)))
            return;
    }
    CHECK_TEXT(copy.json, "x");
    bs_options_deinit(&copy);
}

TEST(options, settings_are_found_by_their_beginning) {
    const struct bs_option *option = NULL;
    CHECK_OK(bs_option_find("repeats", 7, &option));
    CHECK_TEXT(option ? option->name : NULL, "repeats");
    CHECK_OK(bs_option_find("rep", 3, &option));
    CHECK_TEXT(option ? option->name : NULL, "repeats");
    CHECK_ERROR(bs_option_find("", 0, &option), BS_ERROR_USAGE, "the settings are engine, ");
    CHECK_ERROR(bs_option_find("max", 3, &option), BS_ERROR_USAGE,
                "the setting max is ambiguous: max-events or max-walk");
    CHECK_ERROR(bs_option_find("save", 4, &option), BS_ERROR_USAGE, "there is no setting save");
    CHECK_ERROR(bs_option_find("repeatsx", 8, &option), BS_ERROR_USAGE, "no setting repeatsx");
}

/* Whoever adds a row gets its help for nothing, and must not break the shape of the rest. */
TEST(options, help_has_a_line_for_each_option_of_the_verb) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    _cleanup_options_ struct bs_options options = {};
    size_t rows;
    const struct bs_option *table = bs_option_table(&rows);
    if (!CHECK_OK(bs_options_init(&options)))
        return;
    bs_options_help(BS_VERB_PROFILE, &options, &buffer);
    bs_buffer_char(&buffer, '\0');
    if (!CHECK_OK(bs_buffer_status(&buffer)))
        return;
    for (size_t i = 0; i < rows; i++) {
        char dashed[64];
        snprintf(dashed, sizeof(dashed), "  --%s", table[i].name);
        bool there = strstr(buffer.data, dashed) && strstr(buffer.data, table[i].doc);
        CHECK_EQ(there, (table[i].verbs & BS_VERB_PROFILE) != 0);
    }
    CHECK(strstr(buffer.data, " (1500)\n"));
    CHECK(strstr(buffer.data, "  --in-process, --no-in-process\n"));
    for (const char *line = buffer.data; *line; line = strchr(line, '\n') + 1)
        CHECK(strcspn(line, "\n") <= 79);
}
