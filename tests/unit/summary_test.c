#include "core/summary.h"

#include "check.h"
#include "core/groups.h"
#include "image_builder.h"

#include <math.h>
#include <string.h>

static bool near(double a, double b) {
    return fabs(a - b) <= 1e-6 * fmax(1, fabs(b));
}

/*
 * f on 3.11, lines 1 and 2: RESUME, LOAD_FAST x3 on line 2, RETURN_VALUE on line 2. g the same. f
 * calls g twice, and g itself once.
 */
static const uint8_t bytecode[] = {151, 0, 124, 0, 124, 0, 124, 0, 83, 0};
static const uint8_t linetable[] = {0xe8, 0, 0xeb, 2};
#define LOAD      124
#define LOAD_LOAD 46
#define RETURN    83

static uint32_t add_code(struct image_builder *builder, const char *name) {
    return image_code(
        builder, &(struct image_code){.qualname = name,
                                      .filename = "/x/calls.py",
                                      .first_line = 1,
                                      .bytecode = bytecode,
                                      .bytecode_length = sizeof(bytecode),
                                      .linetable = linetable,
                                      .linetable_length = sizeof(linetable),
                                      .sources = (const char *[]){"def it(x):", "return x", NULL}});
}

static void add_opcode(struct image_builder *builder, uint32_t code, uint32_t unit, float ns) {
    image_event(builder, BS_EVENT_OPCODE, code, unit, 0);
    if (ns > 0)
        image_step(builder, code, unit, bytecode[2 * unit], ns);
}

/* f: 1, g: 2 and 3, 4, g: 5 (g: 6) 7, 8 nanoseconds; nothing to correct or to scale. */
static struct image_builder *create(bool timed) {
    struct image_builder *builder = image_builder_create(0x030b00f0);
    image_header(builder)->clock_step_ns = 0.1;
    if (timed)
        image_header(builder)->flags = BS_IMAGE_TIMED;
    uint32_t f = add_code(builder, "f"), g = add_code(builder, "g");
    float on = timed;
    image_event(builder, BS_EVENT_CALL, f, 1, 0);
    image_event(builder, BS_EVENT_LINE, f, 2, 0);
    add_opcode(builder, f, 1, 1 * on);
    image_event(builder, BS_EVENT_CALL, g, 1, 0);
    image_event(builder, BS_EVENT_LINE, g, 2, 0);
    add_opcode(builder, g, 1, 2 * on);
    add_opcode(builder, g, 4, 3 * on);
    image_event(builder, BS_EVENT_RETURN, g, 0, 0);
    add_opcode(builder, f, 2, 4 * on);
    image_event(builder, BS_EVENT_CALL, g, 1, 0);
    add_opcode(builder, g, 1, 5 * on);
    image_event(builder, BS_EVENT_CALL, g, 1, 0);
    add_opcode(builder, g, 1, 6 * on);
    image_event(builder, BS_EVENT_RETURN, g, 0, 0);
    add_opcode(builder, g, 4, 7 * on);
    image_event(builder, BS_EVENT_RETURN, g, 0, 0);
    add_opcode(builder, f, 4, 8 * on);
    image_event(builder, BS_EVENT_RETURN, f, 0, 0);
    image_event(builder, BS_EVENT_STOP, 0, 0, 0);
    return builder;
}

static struct bs_groups groups_of(const struct bs_trace *trace, enum bs_summary_key key) {
    struct bs_groups groups = {0};
    CHECK_OK(bs_groups_init(trace, key, BS_STATISTIC_MIN, 0, trace->event_count, &groups));
    return groups;
}

TEST(summary, opcodes_have_count_total_minimum_and_median) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(create(true));
    _cleanup_groups_ struct bs_groups groups = groups_of(trace, BS_SUMMARY_OPCODE);
    if (!CHECK_EQ(groups.count, 2))
        return;
    /* Equal totals and counts apart, most time first: both 18, five loads before three returns. */
    CHECK_EQ(groups.items[0].opcode, LOAD);
    CHECK(near(groups.items[0].total_ns, 1 + 2 + 4 + 5 + 6));
    CHECK(near(groups.items[0].count, 5));
    CHECK(near(groups.items[0].min_ns, 1));
    CHECK(near(groups.items[0].median_ns, 4));
    CHECK_EQ(groups.items[1].opcode, RETURN);
    CHECK(near(groups.items[1].total_ns, 3 + 7 + 8));
    CHECK(near(groups.items[1].median_ns, 7));
    CHECK(near(groups.sum.total_ns, 36));
    CHECK(near(groups.sum.count, 8));
}

TEST(summary, functions_have_self_and_inclusive_time) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(create(true));
    _cleanup_groups_ struct bs_groups groups = groups_of(trace, BS_SUMMARY_FUNCTION);
    if (!CHECK_EQ(groups.count, 2))
        return;
    const struct bs_group *g = &groups.items[0], *f = &groups.items[1];
    CHECK_EQ(g->code, 1);
    CHECK(near(g->total_ns, 2 + 3 + 5 + 6 + 7));
    CHECK(near(g->inclusive_ns, 2 + 3 + 5 + 6 + 7)); /* the inner g not twice */
    CHECK(near(g->entered, 3));
    CHECK(near(f->total_ns, 1 + 4 + 8));
    CHECK(near(f->inclusive_ns, 36));
    CHECK(near(f->entered, 1));
}

TEST(summary, lines_are_those_of_their_function) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(create(true));
    _cleanup_groups_ struct bs_groups groups = groups_of(trace, BS_SUMMARY_LINE);
    if (!CHECK_EQ(groups.count, 2))
        return;
    for (uint32_t code = 0; code < 2; code++) {
        CHECK_EQ(groups.items[code].code, code);
        CHECK_EQ(groups.items[code].line, 2);
        CHECK(near(groups.items[code].entered, 1));
    }
    CHECK(near(groups.items[1].total_ns, 23));
    CHECK(near(groups.items[1].count, 5));
}

TEST(summary, without_times_there_are_counts) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(create(false));
    _cleanup_groups_ struct bs_groups groups = groups_of(trace, BS_SUMMARY_OPCODE);
    CHECK_EQ(groups.count, 2);
    CHECK_EQ(groups.items[0].opcode, LOAD);
    CHECK(near(groups.items[0].count, 5));
    CHECK(near(groups.sum.total_ns, 0));
}

/* What ran is what counts: a superinstruction is one, and RESUME is one though it has no event. */
TEST(summary, of_the_probe_counts_dispatches) {
    struct image_builder *builder = image_builder_create(0x030b00f0);
    image_header(builder)->flags = BS_IMAGE_TIMED;
    image_header(builder)->engine = BS_ENGINE_PROBE;
    uint32_t f = add_code(builder, "f");
    for (uint32_t unit = 1; unit <= 2; unit++)
        image_event(builder, BS_EVENT_OPCODE, f, unit, 0);
    image_step(builder, f, 0, 151, 3);
    image_step(builder, f, 1, LOAD_LOAD, 4);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_groups_ struct bs_groups forms = groups_of(trace, BS_SUMMARY_OPCODE);
    if (!CHECK_EQ(forms.count, 2))
        return;
    CHECK_EQ(forms.items[0].opcode, LOAD_LOAD);
    CHECK_EQ(forms.items[1].opcode, 151);
    _cleanup_groups_ struct bs_groups families = groups_of(trace, BS_SUMMARY_FAMILY);
    CHECK_EQ(families.items[0].opcode, LOAD);
}

/* Two instructions of 2 and 5 ns, and one event of each. */
static struct bs_trace *counted(double first, double second) {
    struct image_builder *builder = image_builder_create(0x030b00f0);
    image_header(builder)->flags = BS_IMAGE_TIMED | BS_IMAGE_PER_INSTRUCTION;
    uint32_t f = add_code(builder, "f");
    add_opcode(builder, f, 1, 2);
    add_opcode(builder, f, 2, 5);
    image_append(builder, BS_SECTION_COUNTS, (const double[]){first, second}, 16);
    return image_trace(builder);
}

/* They ran 10 and 3 times; the one event of each is not what counts. */
TEST(summary, counts_weigh_where_they_are_known) {
    _cleanup_trace_ struct bs_trace *trace = counted(10, 3);
    _cleanup_groups_ struct bs_groups groups = groups_of(trace, BS_SUMMARY_OPCODE);
    CHECK_EQ(groups.count, 1);
    CHECK(near(groups.items[0].count, 13));
    CHECK(near(groups.items[0].total_ns, 35));
    CHECK(near(groups.items[0].median_ns, 2));
    CHECK(!groups.whole);
}

/* One instruction of every run, and one that every other run came to. */
TEST(summary, counts_may_be_parts) {
    _cleanup_trace_ struct bs_trace *trace = counted(1, 0.5);
    _cleanup_groups_ struct bs_groups groups = groups_of(trace, BS_SUMMARY_OPCODE);
    CHECK(near(groups.items[0].count, 1.5));
    CHECK(near(groups.items[0].total_ns, 4.5));
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    CHECK_OK(bs_summary_render(trace, &(struct bs_summary_options){}, &buffer));
    static const char wanted[] = "          1.5        4.5 ns";
    CHECK(memmem(buffer.data, buffer.length, wanted, strlen(wanted)));
}

TEST(summary, a_range_is_a_part) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(create(true));
    _cleanup_groups_ struct bs_groups groups = {0};
    CHECK_OK(bs_groups_init(trace, BS_SUMMARY_FUNCTION, BS_STATISTIC_MIN, 3, 8, &groups));
    CHECK_EQ(groups.count, 1);
    CHECK(near(groups.items[0].total_ns, 5));
}

static void check_part(const struct bs_trace *trace, struct bs_summary_options options,
                       const char *expected) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    CHECK_OK(bs_summary_render(trace, &options, &buffer));
    CHECK_BYTES(buffer.data, buffer.length, expected);
}

static void check_summary(const struct bs_trace *trace, enum bs_summary_key key,
                          const char *expected) {
    check_part(trace, (struct bs_summary_options){.key = key}, expected);
}

/* f called g before; of both there is some time in the part, and it is in f's with its calls. */
TEST(summary, text_of_a_part) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(create(true));
    check_part(trace,
               (struct bs_summary_options){.key = BS_SUMMARY_FUNCTION, .first = 7, .last = 9},
               "//// Trace of `f` by function, events 7 to 9 :\n"
               "//    entered    opcodes          self   share    with calls   function\n"
               "                       1        4.0 ns  57.1 %        7.0 ns   f  /x/calls.py:1\n"
               "                       1        3.0 ns  42.9 %        3.0 ns   g  /x/calls.py:1\n"
               "                       2        7.0 ns 100.0 %                 all\n");
}

TEST(summary, texts) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(create(true));
    check_summary(trace, BS_SUMMARY_OPCODE,
                  "//// Trace of `f` by opcode :\n"
                  "//      count         total   share       minimum        median   opcode\n"
                  "            5       18.0 ns  50.0 %        1.0 ns        4.0 ns   LOAD_FAST\n"
                  "            3       18.0 ns  50.0 %        3.0 ns        7.0 ns   RETURN_VALUE\n"
                  "            8       36.0 ns 100.0 %                               all\n");
    check_summary(trace, BS_SUMMARY_LINE,
                  "//// Trace of `f` by line :\n"
                  "//      begun    opcodes         total   share   line\n"
                  "\n"
                  "// ================ calls:1 `f` ================\n"
                  "            1          3       13.0 ns  36.1 %   2  return x\n"
                  "\n"
                  "// ================ calls:1 `g` ================\n"
                  "            1          5       23.0 ns  63.9 %   2  return x\n"
                  "\n"
                  "            2          8       36.0 ns 100.0 %   all\n");
    check_summary(
        trace, BS_SUMMARY_FUNCTION,
        "//// Trace of `f` by function :\n"
        "//    entered    opcodes          self   share    with calls   function\n"
        "            3          5       23.0 ns  63.9 %       23.0 ns   g  /x/calls.py:1\n"
        "            1          3       13.0 ns  36.1 %       36.0 ns   f  /x/calls.py:1\n"
        "            4          8       36.0 ns 100.0 %                 all\n");
}

TEST(summary, lines_of_a_function_stand_together) {
    struct image_builder *builder = image_builder_create(0x030b00f0);
    uint32_t f = add_code(builder, "f");
    image_event(builder, BS_EVENT_CALL, f, 1, 0);
    for (uint32_t line = 1; line <= 2; line++) {
        image_event(builder, BS_EVENT_LINE, f, line, 0);
        image_event(builder, BS_EVENT_OPCODE, f, line - 1, 0);
    }
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_summary(trace, BS_SUMMARY_LINE,
                  "//// Trace of `f` by line :\n"
                  "//      begun    opcodes   share   line\n"
                  "\n"
                  "// ================ calls:1 `f` ================\n"
                  "            1          1  50.0 %   1  def it(x):\n"
                  "            1          1  50.0 %   2  return x\n"
                  "\n"
                  "            2          2 100.0 %   all\n");
}

/* How often lines began is known of recorded events alone, and would stand beside what all took. */
TEST(summary, text_of_what_was_not_all_recorded) {
    struct image_builder *builder = create(true);
    image_header(builder)->flags |= BS_IMAGE_PER_INSTRUCTION;
    image_append(builder, BS_SECTION_COUNTS, (const double[]){100, 1, 1, 1, 1, 1, 1, 1}, 64);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_summary(trace, BS_SUMMARY_LINE,
                  "//// Trace of `f` by line :\n"
                  "//    opcodes         total   share   line\n"
                  "\n"
                  "// ================ calls:1 `f` ================\n"
                  "          102      112.0 ns  83.0 %   2  return x\n"
                  "\n"
                  "// ================ calls:1 `g` ================\n"
                  "            5       23.0 ns  17.0 %   2  return x\n"
                  "\n"
                  "          107      135.0 ns 100.0 %   all\n");
    check_summary(trace, BS_SUMMARY_FUNCTION,
                  "//// Trace of `f` by function :\n"
                  "//    opcodes          self   share   function\n"
                  "          102      112.0 ns  83.0 %   f  /x/calls.py:1\n"
                  "            5       23.0 ns  17.0 %   g  /x/calls.py:1\n"
                  "          107      135.0 ns 100.0 %   all\n");
}

TEST(summary, text_without_times) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(create(false));
    check_summary(trace, BS_SUMMARY_FAMILY,
                  "//// Trace of `f` by family of opcodes :\n"
                  "//      count   share   opcode\n"
                  "            5  62.5 %   LOAD_FAST\n"
                  "            3  37.5 %   RETURN_VALUE\n"
                  "            8 100.0 %   all\n");
}

TEST(summary, of_nothing) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_builder_create(0x030b00f0));
    for (int key = BS_SUMMARY_OPCODE; key <= BS_SUMMARY_FUNCTION; key++) {
        _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
        CHECK_OK(bs_summary_render(trace, &(struct bs_summary_options){.key = key}, &buffer));
        CHECK(buffer.length);
    }
}
