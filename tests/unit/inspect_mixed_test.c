/* Merging C and Python frames, of made-up stacks. */
#include "check.h"
#include "inspect/mixed.h"

#include <stdio.h>
#include <string.h>

/* The evaluator's machine code in these tests, hot and cold. */
static struct bs_address_range ranges[] = {{0x1000, 0x2000}, {0x9000, 0x9100}};
static const struct bs_evaluator evaluator = {.ranges = ranges, .count = 2};
static const struct bs_evaluator unknown = {};

#define EVAL  0x1500
#define COLD  0x9050
#define OTHER 0x5000

static struct bs_interpreter python(bool frames_have_addresses) {
    struct bs_interpreter result = {};
    result.layout.frame_owner = frames_have_addresses ? 70 : BS_FIELD_ABSENT;
    return result;
}

/*
 * The merged stack as text: "c" and a number for a C frame, "e" where it is the evaluator's, "p"
 * for a Python frame, "u" where it is not placed.
 */
static bool check_merge(const struct bs_interpreter *interpreter, const struct bs_evaluator *code,
                        const struct bs_native_frame *natives, size_t native_count,
                        struct bs_frame *frames, size_t frame_count, const char *expected) {
    _cleanup_mixed_ struct bs_mixed mixed = {};
    struct bs_native_stack stack = {natives, native_count, code};
    struct bs_frames list = {.items = frames, .count = frame_count};
    char text[256] = "";
    if (!CHECK_OK(bs_mixed_merge(interpreter, &stack, &list, &mixed)))
        return false;
    for (size_t i = 0; i < mixed.count; i++) {
        const struct bs_mixed_frame *item = &mixed.items[i];
        char kind = item->is_python ? (item->unplaced ? 'u' : 'p') : item->is_evaluator ? 'e' : 'c';
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%c%zu", i ? " " : "", kind,
                 item->index);
    }
    return CHECK_TEXT(text, expected);
}

#define MERGE(interpreter, code, natives, frames, expected)                                        \
    check_merge((interpreter), (code), (natives), sizeof(natives) / sizeof(*(natives)), (frames),  \
                sizeof(frames) / sizeof(*(frames)), (expected))

TEST(inspect_mixed, several_frames_in_one_call_of_the_evaluator) {
    struct bs_interpreter with = python(true);
    const struct bs_native_frame natives[] = {
        {OTHER, 0x100}, {EVAL, 0x300}, {OTHER, 0x400}, {EVAL, 0x600}, {OTHER, 0x700}};
    struct bs_frame frames[] = {{.native_addr = 0x280},
                                {.native_addr = 0x280, .is_entry = true},
                                {.native_addr = 0x580, .is_entry = true}};
    MERGE(&with, &evaluator, natives, frames, "c0 e1 p0 p1 c2 e3 p2 c4");
    /* By address alone, as well. */
    MERGE(&with, &unknown, natives, frames, "c0 e1 p0 p1 c2 e3 p2 c4");
}

TEST(inspect_mixed, a_tail_call_build_has_two_c_frames_for_one_call) {
    struct bs_interpreter with = python(true);
    const struct bs_native_frame natives[] = {
        {OTHER, 0x100}, {COLD, 0x200}, {EVAL, 0x300}, {OTHER, 0x400}};
    struct bs_frame frames[] = {{.native_addr = 0x280}, {.native_addr = 0x280, .is_entry = true}};
    MERGE(&with, &evaluator, natives, frames, "c0 e1 e2 p0 p1 c3");
}

TEST(inspect_mixed, inlined_functions_share_their_part_of_the_stack) {
    struct bs_interpreter with = python(true);
    const struct bs_native_frame natives[] = {{EVAL, 0x300}, {EVAL, 0x300}, {OTHER, 0x400}};
    struct bs_frame frames[] = {{.native_addr = 0x280, .is_entry = true}};
    MERGE(&with, &evaluator, natives, frames, "e0 e1 p0 c2");
}

TEST(inspect_mixed, a_frame_without_a_place_stands_before_the_next_that_has_one) {
    struct bs_interpreter with = python(true);
    const struct bs_native_frame natives[] = {{OTHER, 0x100}, {EVAL, 0x300}, {OTHER, 0x400}};
    struct bs_frame frames[] = {{.native_addr = 0, .is_entry = true},
                                {.native_addr = 0x280, .is_entry = true},
                                {.native_addr = 0x9999, .is_entry = true}};
    MERGE(&with, &evaluator, natives, frames, "c0 u0 e1 p1 c2 u2");
    /* What is said to run where another call does runs nowhere else. */
    frames[2].native_addr = 0x290;
    MERGE(&with, &evaluator, natives, frames, "c0 u0 e1 p1 c2 u2");
}

TEST(inspect_mixed, unknown_stack_pointers_are_passed_over) {
    struct bs_interpreter with = python(true);
    const struct bs_native_frame natives[] = {{OTHER, 0}, {EVAL, 0x300}, {OTHER, 0}};
    struct bs_frame frames[] = {{.native_addr = 0x280, .is_entry = true}};
    MERGE(&with, &evaluator, natives, frames, "c0 e1 p0 c2");
}

TEST(inspect_mixed, without_addresses_calls_and_frames_pair_in_order) {
    struct bs_interpreter without = python(false);
    const struct bs_native_frame natives[] = {
        {OTHER, 0x100}, {EVAL, 0x300}, {OTHER, 0x400}, {COLD, 0x600}, {OTHER, 0x700}};
    struct bs_frame two[] = {{.is_entry = true}, {.is_entry = true}};
    struct bs_frame one[] = {{.is_entry = true}};
    struct bs_frame three[] = {{.is_entry = true}, {.is_entry = true}, {.is_entry = true}};
    MERGE(&without, &evaluator, natives, two, "c0 e1 p0 c2 e3 p1 c4");
    /* The innermost call is about to begin, or has just ended. */
    MERGE(&without, &evaluator, natives, one, "c0 e1 c2 e3 p0 c4");
    /* The walk of the C stack ended too early. */
    MERGE(&without, &evaluator, natives, three, "c0 e1 p0 c2 e3 p1 c4 u2");
    /* The program is in the evaluator itself. */
    check_merge(&without, &evaluator, natives + 1, 4, two, 2, "e0 p0 c1 e2 p1 c3");
}

TEST(inspect_mixed, either_side_may_be_empty) {
    struct bs_interpreter with = python(true);
    const struct bs_native_frame natives[] = {{OTHER, 0x100}, {OTHER, 0x300}};
    struct bs_frame frames[] = {{.native_addr = 0x280, .is_entry = true}};
    check_merge(&with, &evaluator, natives, 2, NULL, 0, "c0 c1");
    check_merge(&with, &evaluator, NULL, 0, frames, 1, "u0");
    check_merge(&with, &evaluator, NULL, 0, NULL, 0, "");
}

TEST(inspect_mixed, nearest_is_the_frame_that_called) {
    _cleanup_mixed_ struct bs_mixed mixed = {};
    struct bs_interpreter with = python(true);
    const struct bs_native_frame natives[] = {
        {OTHER, 0x100}, {EVAL, 0x300}, {OTHER, 0x400}, {EVAL, 0x600}, {OTHER, 0x700}};
    struct bs_frame items[] = {{.native_addr = 0x280, .incomplete = true},
                               {.native_addr = 0x280, .is_entry = true},
                               {.native_addr = 0x580, .is_entry = true}};
    struct bs_native_stack stack = {natives, 5, &evaluator};
    struct bs_frames frames = {.items = items, .count = 3};
    if (!CHECK_OK(bs_mixed_merge(&with, &stack, &frames, &mixed)))
        return;
    CHECK_EQ(bs_mixed_nearest(&mixed, &frames, 0), 1);
    CHECK_EQ(bs_mixed_nearest(&mixed, &frames, 1), 1);
    CHECK_EQ(bs_mixed_nearest(&mixed, &frames, 2), 2);
    CHECK_EQ(bs_mixed_nearest(&mixed, &frames, 3), 2);
    /* main() has no Python frame further out: the outermost one is the nearest. */
    CHECK_EQ(bs_mixed_nearest(&mixed, &frames, 4), 2);
    CHECK_EQ(bs_frames_index(&frames, 0), BS_FRAME_NO_INDEX);
    CHECK_EQ(bs_frames_index(&frames, 1), 0);
    CHECK_EQ(bs_frames_index(&frames, 2), 1);
    CHECK_EQ(bs_frames_index(&frames, 3), BS_FRAME_NO_INDEX);
}
