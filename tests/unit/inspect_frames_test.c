/* Frames of 3.11 and 3.13 where an evaluator call is about to begin, of a made-up thread. */
#include "check.h"
#include "core/error.h"
#include "inspect/frames.h"

#include <string.h>

#define BASE      0x10000u
#define TYPE      0x10000u
#define TYPE_NAME 0x10800u
#define CODE      0x11000u
#define STATE     0x12000u
#define CALLER    0x13000u /* frames */
#define BEGINS    0x13100u
#define STALE     0x13200u
#define INNER     0x14040u /* cframes, each 0xc0 below the end of its call's C frame */
#define OUTER     0x14440u

static struct memory { uint8_t bytes[0x5000]; } memory;

static struct bs_error *read_memory(void *arg, uint64_t addr, void *ret, size_t length) {
    if (addr < BASE || addr - BASE > sizeof(memory.bytes) - length)
        return bs_error_fault(addr, "memory");
    memcpy(ret, memory.bytes + (addr - BASE), length);
    return NULL;
}

static const struct bs_target target = {.read = read_memory};
static struct bs_interpreter python;
static struct bs_address_range ranges[] = {{0x14000, INNER + 0xc0}, {0x14300, OUTER + 0xc0}};
static const struct bs_evaluator_calls calls = {ranges, 2};
static const struct bs_thread thread = {.state_addr = STATE};

static void put(uint64_t addr, int32_t offset, uint64_t value, size_t width) {
    memcpy(memory.bytes + (addr - BASE) + offset, &value, width);
}
#define PUT(addr, field, value)      put((addr), python.layout.field, (value), 8)
#define PUT_BYTE(addr, field, value) put((addr), python.layout.field, (value), 1)

static uint64_t root_addr(void) {
    return STATE + (uint32_t)python.layout.thread_root_cframe;
}

static void put_frame(uint64_t addr, uint64_t previous_addr, bool is_entry) {
    PUT(addr, frame_code, CODE);
    PUT(addr, frame_prev_instr, CODE + (uint32_t)python.layout.code_adaptive + 2);
    PUT(addr, frame_previous, previous_addr);
    PUT_BYTE(addr, frame_is_entry, is_entry);
}

static void put_cframe(uint64_t addr, uint64_t frame_addr, uint64_t previous_addr) {
    PUT(addr, cframe_frame, frame_addr);
    PUT(addr, cframe_previous, previous_addr);
}

/* One call runs CALLER; another is linked to the thread, and what it runs is yet to be put. */
static void set_up(void) {
    memset(&memory, 0, sizeof(memory));
    python = (struct bs_interpreter){.target = &target, .layout = *bs_layout_rows(0x030b02f0)};
    PUT(TYPE, type_name, TYPE_NAME);
    memcpy(memory.bytes + (TYPE_NAME - BASE), "code", 5);
    PUT(CODE, object_type, TYPE);
    put_frame(CALLER, 0, true);
    put_cframe(OUTER, CALLER, root_addr());
    PUT(STATE, thread_cframe, INNER);
}

static bool check_frames(const struct bs_evaluator_calls *known, const uint64_t *expected,
                         size_t count, const char *stopped) {
    _cleanup_frames_ struct bs_frames frames = {};
    if (!CHECK_OK(bs_frames_walk(&python, &thread, known, &frames)) ||
        !CHECK_EQ(frames.count, count))
        return false;
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(frames.items[i].frame_addr, expected[i]);
    if (stopped)
        return CHECK_ERROR(bs_take(frames.stopped), BS_ERROR_CORRUPT, stopped);
    CHECK_EQ(frames.items[0].native_addr, INNER);
    CHECK_EQ(frames.items[count - 1].native_addr, OUTER);
    return CHECK_OK(bs_take(frames.stopped));
}

static const uint64_t unknown_and_caller[] = {INNER, CALLER};

TEST(inspect_frames, of_a_call_that_has_begun_are_its_own) {
    const uint64_t both[] = {BEGINS, CALLER};
    set_up();
    put_frame(BEGINS, CALLER, true);
    put_cframe(INNER, BEGINS, OUTER);
    check_frames(&calls, both, 2, NULL);
    check_frames(NULL, both, 2, NULL);
}

/* What makes cells and copies free variables comes before a function can be traced. */
TEST(inspect_frames, are_incomplete_until_they_can_be_traced) {
    static const struct {
        uint64_t first;
        enum bs_frame_owner owner;
        bool incomplete;
    } cases[] = {{1, BS_FRAME_OF_THREAD, false},
                 {2, BS_FRAME_OF_THREAD, true},
                 {2, BS_FRAME_OF_GENERATOR, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        _cleanup_frames_ struct bs_frames frames = {};
        set_up();
        put_frame(BEGINS, CALLER, true);
        put_cframe(INNER, BEGINS, OUTER);
        put(CODE, python.layout.code_firsttraceable, cases[i].first, 4);
        PUT_BYTE(BEGINS, frame_owner, cases[i].owner);
        CHECK_OK(bs_frames_walk(&python, &thread, &calls, &frames));
        if (CHECK_EQ(frames.count, 2))
            CHECK_EQ(frames.items[0].incomplete, cases[i].incomplete);
        CHECK_OK(bs_take(frames.stopped));
    }
}

TEST(inspect_frames, a_stale_frame_that_leads_nowhere_is_passed_over) {
    const uint64_t stale[] = {STALE};
    set_up();
    put_frame(STALE, 0, false);
    put_cframe(INNER, STALE, OUTER);
    check_frames(&calls, unknown_and_caller, 2, NULL);
    check_frames(NULL, stale, 1, "is not the first of an evaluator call");
}

TEST(inspect_frames, a_stale_frame_of_another_caller_is_passed_over) {
    set_up();
    put_frame(STALE, BEGINS, true);
    put_cframe(INNER, STALE, OUTER);
    check_frames(&calls, unknown_and_caller, 2, NULL);
}

TEST(inspect_frames, a_stale_cframe_that_passes_over_calls_is_passed_over) {
    set_up();
    put_frame(STALE, 0, true);
    put_cframe(INNER, STALE, root_addr());
    check_frames(&calls, unknown_and_caller, 2, NULL);
}

TEST(inspect_frames, an_empty_cframe_is_no_empty_stack) {
    set_up();
    check_frames(&calls, unknown_and_caller, 2, NULL);
    check_frames(NULL, NULL, 0, "cframe.frame");
}

/* The cframe with which a greenlet begins is no call's, and the thread's own is before it. */
TEST(inspect_frames, a_greenlet_has_its_own_frames) {
    const uint64_t own[] = {STALE};
    const uint64_t begin = 0x14200;
    _cleanup_frames_ struct bs_frames frames = {};
    set_up();
    put_frame(STALE, 0, true);
    put_cframe(INNER, STALE, begin);
    put_cframe(begin, 0, root_addr());
    if (CHECK_OK(bs_frames_walk(&python, &thread, &calls, &frames)) && CHECK_EQ(frames.count, 1))
        CHECK_EQ(frames.items[0].frame_addr, own[0]);
    CHECK_OK(bs_take(frames.stopped));
}

TEST(inspect_frames, a_thread_runs_some_while_it_has_a_call) {
    set_up();
    CHECK(bs_frames_any(&python, STATE));
    PUT(STATE, thread_cframe, root_addr());
    CHECK(!bs_frames_any(&python, STATE));
}

/* 3.13: the entry frame is linked before it says that it is one. */
TEST(inspect_frames, an_entry_frame_is_one_by_where_it_lies) {
    const uint64_t inner_entry = INNER, outer_entry = OUTER;
    _cleanup_frames_ struct bs_frames frames = {};
    set_up();
    python.layout = *bs_layout_rows(0x030d00f0);
    const uint64_t list[] = {BEGINS, inner_entry, CALLER, outer_entry};
    for (size_t i = 0; i < 4; i++) {
        PUT(list[i], frame_code, i % 2 ? 0 : CODE);
        PUT(list[i], frame_previous, i < 3 ? list[i + 1] : 0);
        PUT_BYTE(list[i], frame_owner, i < 3 ? 0 : 3);
    }
    PUT(STATE, thread_frame, BEGINS);
    if (!CHECK_OK(bs_frames_walk(&python, &thread, &calls, &frames)) || !CHECK_EQ(frames.count, 2))
        return;
    CHECK_EQ(frames.items[0].native_addr, inner_entry);
    CHECK_EQ(frames.items[1].frame_addr, CALLER);
    CHECK_EQ(frames.items[1].native_addr, outer_entry);
    CHECK_OK(bs_take(frames.stopped));
}
