#include "agent/agree.h"
#include "check.h"

#include <string.h>

/* One letter for each instruction. */
#define PLACES_MAX 512

static struct bs_path path_of(const char *text, uint64_t places[PLACES_MAX]) {
    size_t count = strlen(text);
    for (size_t i = 0; i < count; i++)
        places[i] = (unsigned char)text[i];
    return (struct bs_path){places, count};
}

static void check(const char *steps, const char *events, bool exact, bool parts, size_t at_step,
                  size_t at_event) {
    uint64_t step_places[PLACES_MAX], event_places[PLACES_MAX];
    struct bs_path step_path = path_of(steps, step_places);
    struct bs_path event_path = path_of(events, event_places);
    size_t step, event;
    CHECK_EQ(bs_paths_part(&step_path, &event_path, exact, &step, &event), parts);
    CHECK_EQ(step, at_step);
    CHECK_EQ(event, at_event);
}

TEST(agree, the_same_path_does_not_part) {
    check("", "", true, false, 0, 0);
    check("abcabc", "abcabc", true, false, 6, 6);
    check("abcabc", "abcabc", false, false, 6, 6);
}

/* Steps without an event, and events that the step before did as well. */
TEST(agree, single_ones_on_one_side_are_passed_over) {
    check("rabcd", "abcd", false, false, 5, 4);
    check("xyzabxcd", "abcd", false, false, 8, 4);
    check("acdf", "abcdef", false, false, 4, 6);
    check("axcexg", "abcdefg", false, false, 6, 7);
    check("abcz", "abc", false, false, 3, 3);
    check("abc", "abcz", false, false, 3, 3);
}

TEST(agree, another_path_parts_where_it_begins) {
    check("abcdexyzfg", "abcde12345fg", false, true, 5, 5);
    check("abxy", "ab12", false, true, 2, 2);
    check("abcdxyzw", "abcd1234", false, true, 4, 4);
}

TEST(agree, a_path_that_only_goes_on_parts_too) {
    char longer[PLACES_MAX];
    memset(longer, 'x', sizeof(longer));
    memcpy(longer, "abc", 3);
    longer[100] = '\0';
    check("abc", longer, false, true, 3, 3);
    check(longer, "abc", false, true, 3, 3);
}

/* However long the path before it is. */
TEST(agree, a_single_one_at_the_end_is_passed_over) {
    char longer[PLACES_MAX] = "";
    while (strlen(longer) < 200)
        strcat(longer, "abcdefgh");
    char with_end[PLACES_MAX];
    strcat(strcpy(with_end, longer), "z");
    check(longer, with_end, false, false, 200, 200);
    check(with_end, longer, false, false, 200, 200);
}

TEST(agree, where_there_is_an_event_for_each_step_everything_else_parts) {
    check("abxcd", "abcd", true, true, 2, 2);
    check("abcd", "abxcd", true, true, 2, 2);
    check("abc", "abcd", true, true, 3, 3);
    check("abcd", "abc", true, true, 3, 3);
}
