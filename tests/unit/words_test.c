#include "check.h"
#include "command/words.h"

#include <string.h>

static void check_words(const char *line, const char *expected) {
    _cleanup_words_ struct bs_words words = {};
    char joined[256] = "";
    if (!CHECK_OK(bs_words_init("zero", line, &words)))
        return;
    for (size_t i = 1; i < words.count; i++) {
        strcat(joined, words.items[i]);
        strcat(joined, "|");
    }
    CHECK_TEXT(joined, expected);
    CHECK_TEXT(words.items[0], "zero");
    CHECK(!words.items[words.count]);
}

TEST(words, are_separated_by_blanks) {
    check_words("", "");
    check_words("  \t ", "");
    check_words("a", "a|");
    check_words(" a\tbc  d ", "a|bc|d|");
}

TEST(words, are_quoted_as_in_a_shell) {
    check_words("'a b' c", "a b|c|");
    check_words("--save=\"a b\".x", "--save=a b.x|");
    check_words("a\\ b", "a b|");
    check_words("'a\\b'", "a\\b|");
    check_words("\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d|");
    check_words("''", "|");
    check_words("a\\", "a\\|");
}

TEST(words, remember_where_they_began) {
    _cleanup_words_ struct bs_words words = {};
    const char *line = "--save 'a b' f( 'x' )  ";
    if (!CHECK_OK(bs_words_init("trace", line, &words)))
        return;
    CHECK_EQ(words.count, 6);
    CHECK_TEXT(line + words.starts[3], "f( 'x' )  ");
    CHECK_EQ(words.starts[words.count], strlen(line));
}

TEST(words, note_an_open_quote) {
    _cleanup_words_ struct bs_words words = {};
    if (!CHECK_OK(bs_words_init("trace", "a \"b c", &words)))
        return;
    CHECK_EQ(words.count, 3);
    CHECK_EQ(words.unclosed, 2);
    CHECK_TEXT(words.items[2], "b c");
}

TEST(words, closed_quotes_are_none_open) {
    _cleanup_words_ struct bs_words words = {};
    if (!CHECK_OK(bs_words_init("trace", "'a' b", &words)))
        return;
    CHECK_EQ(words.unclosed, words.count);
}
