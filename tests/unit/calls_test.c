/* C functions of a trace: what is checked, how trees and events come together, what is shown. */
#include "core/calls.h"

#include "check.h"
#include "core/call_rows.h"
#include "core/call_sums.h"
#include "core/json.h"
#include "core/listing.h"
#include "core/notes.h"
#include "image_builder.h"

#include <stdio.h>
#include <string.h>

/* On 3.11: RESUME, LOAD_FAST, LOAD_FAST, UNARY_NEGATIVE, RETURN_VALUE. */
enum unit {
    RESUME,
    LOAD_1,
    LOAD_2,
    NEGATE,
    RETURN,
};
static const uint8_t bytecode[] = {151, 0, 124, 0, 124, 0, 11, 0, 83, 0};

enum address {
    EVALUATOR = 0x1000,
    NEGATIVE = 0x2000, /* PyNumber_Negative, in abstract.c */
    LONG_NEG = 0x3000, /* long_neg, in longobject.c */
    COLD = 0x3800,     /* long_neg.cold */
    NAMELESS = 0x4000, /* in libm.so, without a name */
    UNKNOWN = 0x5000,  /* nothing is known of it */
    SITE = 0x2010,     /* in Py_DECREF, inlined into call_neg, inlined into PyNumber_Negative */
    OTHER_SITE = 0x2020,
};

static struct image_builder *create(void) {
    struct image_builder *builder = image_builder_create(0x030b00f0);
    image_code(builder,
               &(struct image_code){.bytecode = bytecode, .bytecode_length = sizeof(bytecode)});
    return builder;
}

static void add_events(struct image_builder *builder, const int *units) {
    for (; *units >= 0; units++)
        image_event(builder, BS_EVENT_OPCODE, 0, (uint32_t)*units, 0);
}

static void add_call(struct image_builder *builder, struct bs_call call) {
    image_append(builder, BS_SECTION_CALLS, &call, sizeof(call));
}

static void add_opcode(struct image_builder *builder, uint32_t unit, uint32_t instructions) {
    add_call(builder, (struct bs_call){
                          .function_addr = EVALUATOR,
                          .instructions = instructions,
                          .kind = BS_CALL_OPCODE,
                          .opcode = bytecode[2 * unit],
                          .offset_units = unit,
                      });
}

static void add_function(struct image_builder *builder, uint32_t depth, enum bs_call_kind kind,
                         uint64_t function_addr, uint64_t site_addr, uint32_t instructions) {
    add_call(builder, (struct bs_call){
                          .function_addr = function_addr,
                          .site_addr = site_addr,
                          .instructions = instructions,
                          .depth = depth,
                          .kind = kind,
                      });
}

static void add_symbol(struct image_builder *builder, uint64_t addr, const char *function,
                       const char *file, uint32_t line, bool inlined) {
    struct bs_symbol symbol = {
        .addr = addr,
        .offset_bytes = addr - 0x1000,
        .function = function ? image_string(builder, function) : 0,
        .file = file ? image_string(builder, file) : 0,
        .module = image_string(builder, "/lib/libm.so"),
        .line = line,
        .inlined = inlined,
    };
    image_append(builder, BS_SECTION_SYMBOLS, &symbol, sizeof(symbol));
}

static void add_symbols(struct image_builder *builder) {
    add_symbol(builder, EVALUATOR, "_PyEval_EvalFrameDefault", "/src/ceval.c", 100, false);
    add_symbol(builder, NEGATIVE, "PyNumber_Negative", "/src/abstract.c", 200, false);
    add_symbol(builder, SITE, "Py_DECREF", "/src/object.h", 31, true);
    add_symbol(builder, SITE, "call_neg", "/src/abstract.c", 32, true);
    add_symbol(builder, SITE, "PyNumber_Negative", "/src/abstract.c", 33, false);
    add_symbol(builder, OTHER_SITE, "call_neg", "/src/abstract.c", 32, true);
    add_symbol(builder, OTHER_SITE, "PyNumber_Negative", "/src/abstract.c", 33, false);
    add_symbol(builder, LONG_NEG, "long_neg", "/src/longobject.c", 300, false);
    add_symbol(builder, COLD, "long_neg.cold", "/src/longobject.c", 310, false);
    add_symbol(builder, NAMELESS, NULL, NULL, 0, false);
}

/* The tree of event @p index as text. */
static char *tree(const struct bs_trace *trace, size_t index) {
    _cleanup_call_rows_ struct bs_call_rows rows = {};
    struct bs_buffer buffer = BS_BUFFER_INIT;
    if (CHECK_OK(bs_call_rows_event(trace, index, &rows)))
        bs_call_rows_render(trace, &rows, 0, &buffer);
    bs_buffer_char(&buffer, '\0');
    char *text = strdup(buffer.data);
    bs_buffer_deinit(&buffer);
    return text;
}

#define CHECK_TREE(trace, index, expected)                                                         \
    do {                                                                                           \
        _cleanup_free_ char *text = tree((trace), (index));                                        \
        CHECK_TEXT(text, (expected));                                                              \
    } while (0)

TEST(calls, rows_have_names_files_and_both_counts) {
    struct image_builder *builder = create();
    add_events(builder, (const int[]){NEGATE, -1});
    add_opcode(builder, NEGATE, 12);
    add_function(builder, 1, BS_CALL_FUNCTION, NEGATIVE, 0x1010, 5);
    add_function(builder, 2, BS_CALL_FUNCTION, LONG_NEG, 0x2030, 7);
    add_function(builder, 3, BS_CALL_SYSTEM, 1, 0x3010, 0);
    add_function(builder, 1, BS_CALL_FUNCTION, NAMELESS, 0x1020, 3);
    add_function(builder, 1, BS_CALL_EVALUATOR, UNKNOWN, 0x1030, 2);
    add_function(builder, 2, BS_CALL_SYSTEM, 9999, 0x1030, 0);
    add_symbols(builder);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    CHECK_TREE(trace, 0,
               "     29     12  UNARY_NEGATIVE in _PyEval_EvalFrameDefault ceval.c:100\n"
               "     12      5    PyNumber_Negative abstract.c:200\n"
               "      7      7      long_neg longobject.c:300\n"
               "      0               syscall write\n"
               "      3      3    libm.so+0x3000\n"
               "      2      2    0x5000 (runs the opcodes that follow)\n"
               "      0             syscall 9999\n");
}

TEST(calls, extensions_without_symbols_are_named_as_they_are_imported) {
    struct image_builder *builder = create();
    add_events(builder, (const int[]){NEGATE, -1});
    add_opcode(builder, NEGATE, 12);
    add_function(builder, 1, BS_CALL_FUNCTION, NAMELESS, 0x1010, 5);
    add_function(builder, 1, BS_CALL_FUNCTION, UNKNOWN, 0x1020, 5);
    struct bs_symbol symbols[] = {
        {.addr = NAMELESS,
         .offset_bytes = 0x3000,
         .module = image_string(builder, "/x/lxml/etree.cpython-311-x86_64-linux-gnu.so")},
        {.addr = UNKNOWN,
         .offset_bytes = 0x4000,
         .module = image_string(builder, "/x/libof_a_name_that_is_longer.so")},
    };
    image_append(builder, BS_SECTION_SYMBOLS, symbols, sizeof(symbols));
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    if (!trace)
        return;
    CHECK_TREE(trace, 0,
               "     22     12  UNARY_NEGATIVE in the evaluator\n"
               "      5      5    etree+0x3000\n"
               "      5      5    libof_a_name_that_is_lon+0x4000\n");
}

TEST(calls, inlined_functions_stand_around_what_they_call) {
    struct image_builder *builder = create();
    add_events(builder, (const int[]){NEGATE, -1});
    add_opcode(builder, NEGATE, 1);
    add_function(builder, 1, BS_CALL_FUNCTION, NEGATIVE, 0x1010, 5);
    add_function(builder, 2, BS_CALL_FUNCTION, LONG_NEG, SITE, 7);
    add_function(builder, 2, BS_CALL_FUNCTION, LONG_NEG, SITE, 8);
    add_function(builder, 2, BS_CALL_FUNCTION, LONG_NEG, OTHER_SITE, 9);
    add_symbols(builder);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    CHECK_TREE(trace, 0,
               "     30      1  UNARY_NEGATIVE in _PyEval_EvalFrameDefault ceval.c:100\n"
               "     29      5    PyNumber_Negative abstract.c:200\n"
               "     24             call_neg abstract.c:32 (inlined)\n"
               "     15               Py_DECREF object.h:31 (inlined)\n"
               "      7      7          long_neg longobject.c:300\n"
               "      8      8          long_neg longobject.c:300\n"
               "      9      9        long_neg longobject.c:300\n");
}

TEST(calls, jumps_inside_a_function_are_no_rows) {
    struct image_builder *builder = create();
    add_events(builder, (const int[]){NEGATE, -1});
    add_opcode(builder, NEGATE, 1);
    add_function(builder, 1, BS_CALL_FUNCTION, LONG_NEG, 0x1010, 5);
    add_function(builder, 2, BS_CALL_JUMP, COLD, 0x3010, 3);
    add_function(builder, 3, BS_CALL_FUNCTION, NEGATIVE, 0x3810, 2);
    add_function(builder, 3, BS_CALL_JUMP, NEGATIVE, 0x3820, 4);
    add_symbols(builder);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    CHECK_TREE(trace, 0,
               "     15      1  UNARY_NEGATIVE in _PyEval_EvalFrameDefault ceval.c:100\n"
               "     14      8    long_neg longobject.c:300\n"
               "      2      2      PyNumber_Negative abstract.c:200\n"
               "      4      4      PyNumber_Negative abstract.c:200\n");
}

TEST(calls, what_runs_without_an_event_goes_with_one) {
    struct image_builder *builder = create();
    add_events(builder, (const int[]){LOAD_1, NEGATE, RETURN, -1});
    add_call(builder, (struct bs_call){.kind = BS_CALL_OUTSIDE});
    add_function(builder, 1, BS_CALL_FUNCTION, LONG_NEG, 0, 50);
    add_opcode(builder, RESUME, 2);
    add_opcode(builder, LOAD_1, 3);
    add_opcode(builder, NEGATE, 4);
    add_call(builder, (struct bs_call){.function_addr = EVALUATOR,
                                       .instructions = 9,
                                       .kind = BS_CALL_OPCODE,
                                       .code = BS_CALL_NO_CODE});
    add_opcode(builder, RETURN, 5);
    add_symbols(builder);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    CHECK_TREE(trace, 0,
               "      2      2  RESUME in _PyEval_EvalFrameDefault ceval.c:100\n"
               "      3      3  LOAD_FAST in _PyEval_EvalFrameDefault ceval.c:100\n");
    CHECK_TREE(trace, 1,
               "      4      4  UNARY_NEGATIVE in _PyEval_EvalFrameDefault ceval.c:100\n"
               "      9      9  CACHE in _PyEval_EvalFrameDefault ceval.c:100\n");
    CHECK_TREE(trace, 2, "      5      5  RETURN_VALUE in _PyEval_EvalFrameDefault ceval.c:100\n");
    CHECK_EQ(trace->walk->missing_count, 0);
    CHECK_EQ(trace->walk->stray_count, 0);
}

/* A generator expression that never runs, in 3.15: the trace has no event and no code of it. */
TEST(calls, making_a_generator_goes_with_the_call_however_long_it_is) {
    static const uint8_t opcodes[] = {151, 124, 68, 75}; /* the last is RETURN_GENERATOR */
    struct image_builder *builder = create();
    add_events(builder, (const int[]){NEGATE, RETURN, -1});
    add_opcode(builder, NEGATE, 4);
    for (size_t i = 0; i < sizeof(opcodes); i++)
        add_call(builder, (struct bs_call){.function_addr = EVALUATOR,
                                           .instructions = 9,
                                           .kind = BS_CALL_OPCODE,
                                           .opcode = opcodes[i],
                                           .code = BS_CALL_NO_CODE});
    add_opcode(builder, RETURN, 5);
    add_symbols(builder);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    CHECK_TREE(trace, 0,
               "      4      4  UNARY_NEGATIVE in _PyEval_EvalFrameDefault ceval.c:100\n"
               "      9      9  RESUME in _PyEval_EvalFrameDefault ceval.c:100\n"
               "      9      9  LOAD_FAST in _PyEval_EvalFrameDefault ceval.c:100\n"
               "      9      9  GET_ITER in _PyEval_EvalFrameDefault ceval.c:100\n"
               "      9      9  RETURN_GENERATOR in _PyEval_EvalFrameDefault ceval.c:100\n");
    CHECK_TREE(trace, 1, "      5      5  RETURN_VALUE in _PyEval_EvalFrameDefault ceval.c:100\n");
}

/* Code that CALL made anew in the walk is under no number of the trace, and not the caller's. */
TEST(calls, what_runs_of_new_code_goes_with_none) {
    struct image_builder *builder = create();
    add_events(builder, (const int[]){NEGATE, RETURN, -1});
    add_opcode(builder, NEGATE, 4);
    for (size_t i = RESUME; i <= RETURN; i++)
        add_call(builder, (struct bs_call){.function_addr = EVALUATOR,
                                           .instructions = 9,
                                           .kind = BS_CALL_OPCODE,
                                           .opcode = bytecode[2 * i],
                                           .code = BS_CALL_NO_CODE});
    add_opcode(builder, RETURN, 5);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    for (size_t i = 0; i < 2; i++) {
        _cleanup_call_rows_ struct bs_call_rows rows = {};
        CHECK_OK(bs_call_rows_event(trace, i, &rows));
        CHECK_EQ(bs_call_rows_total(&rows), 4 + i);
    }
}

TEST(calls, the_second_half_of_a_superinstruction_has_none_and_is_not_missed) {
    struct image_builder *builder = create();
    add_events(builder, (const int[]){LOAD_1, LOAD_2, NEGATE, RETURN, -1});
    add_opcode(builder, LOAD_1, 3);
    add_opcode(builder, NEGATE, 3);
    add_opcode(builder, RETURN, 3);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    CHECK(bs_calls_has_trees(trace, 0));
    CHECK(!bs_calls_has_trees(trace, 1));
    CHECK_EQ(trace->walk->missing_count, 0);
}

/* The listing of @p trace, from the text @p from on. */
static void check_listed(const struct bs_trace *trace, enum bs_listing_native native,
                         const char *from, const char *expected) {
    const struct bs_listing_options options = {.native = native};
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    if (!CHECK_OK(bs_listing_render(trace, &options, &buffer)))
        return;
    bs_buffer_char(&buffer, '\0');
    const char *said = strstr(buffer.data, from);
    CHECK_TEXT(said, expected);
}

/* CALL is written in C: what ran is no opcode's, and stands by itself. */
TEST(calls, without_opcodes_are_shown_alone) {
    struct image_builder *builder = create();
    add_call(builder, (struct bs_call){.kind = BS_CALL_OUTSIDE});
    add_function(builder, 1, BS_CALL_FUNCTION, NEGATIVE, 0, 5);
    add_function(builder, 2, BS_CALL_FUNCTION, LONG_NEG, 0x2030, 7);
    add_symbols(builder);
    image_event(builder, BS_EVENT_STOP, 0, 0, 0);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_listed(trace, BS_LISTING_NATIVE_NONE, "and it", "and it returned\n");
    check_listed(trace, BS_LISTING_NATIVE_LEAF, "and it",
                 "and it returned\n"
                 "     12  PyNumber_Negative > long_neg longobject.c:300\n");
    check_listed(trace, BS_LISTING_NATIVE_TREE, "and it",
                 "and it returned\n"
                 "         12      0  outside of opcodes\n"
                 "         12      5    PyNumber_Negative abstract.c:200\n"
                 "          7      7      long_neg longobject.c:300\n");
    _cleanup_buffer_ struct bs_buffer json = BS_BUFFER_INIT;
    CHECK_OK(bs_json_render(trace, &json));
    bs_buffer_char(&json, '\0');
    const char *native = strstr(json.data, ", \"instructions\": 12, \"native\": [");
    CHECK(native && native < strstr(json.data, "\"events\""));
    CHECK(native && strstr(native, "\"function\": \"long_neg\""));
}

/* Cython can tell trace functions of calls and lines, and has no opcodes. */
TEST(calls, with_lines_but_without_opcodes_are_shown_alone) {
    struct image_builder *builder = create();
    add_call(builder, (struct bs_call){.kind = BS_CALL_OUTSIDE});
    add_function(builder, 1, BS_CALL_FUNCTION, NEGATIVE, 0, 5);
    add_symbols(builder);
    image_event(builder, BS_EVENT_CALL, 0, 1, 0);
    image_event(builder, BS_EVENT_LINE, 0, 2, 0);
    image_event(builder, BS_EVENT_STOP, 0, 0, 0);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    check_listed(trace, BS_LISTING_NATIVE_LEAF, "// >>> ",
                 "// >>> <source not available>\n"
                 "      5  PyNumber_Negative abstract.c:200\n");
}

/* All there are of C functions, and the end of a string. */
static void print_notes(const struct bs_trace *trace, struct bs_buffer *buffer) {
    struct bs_notes notes;
    bs_notes_init(trace, BS_NOTES_OF_CALLS, &notes);
    while (bs_notes_next(&notes))
        bs_notes_print(&notes, buffer);
    bs_buffer_char(buffer, '\0');
}

/* Events count from 1. */
TEST(calls, a_walk_that_came_to_no_event_says_so) {
    static const char *const notes[] = {"C functions are known of no event: the walk ended after ",
                                        "C functions are known up to event #1: the walk ended "};
    for (size_t i = 0; i < 2; i++) {
        struct image_builder *builder = create();
        add_events(builder, (const int[]){LOAD_1, RETURN, -1});
        image_header(builder)->flags |= BS_IMAGE_CALLS_CUT;
        add_call(builder, (struct bs_call){.kind = BS_CALL_OUTSIDE});
        if (i)
            add_opcode(builder, LOAD_1, 3);
        _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
        _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
        print_notes(trace, &buffer);
        CHECK(strstr(buffer.data, notes[i]));
    }
}

/* Else the header, which counts a string instruction once, would seem to say otherwise. */
TEST(calls, a_walk_that_ended_in_a_string_instruction_says_so) {
    static const struct {
        uint64_t walked;
        const char *end;
    } walks[] = {{3990, "after 4,000 machine instructions (--max-walk)"},
                 {30, "(--max-walk), rounds of string instructions included"}};
    for (size_t i = 0; i < 2; i++) {
        struct image_builder *builder = create();
        struct bs_image_header *header = image_header(builder);
        add_events(builder, (const int[]){LOAD_1, RETURN, -1});
        header->flags |= BS_IMAGE_CALLS_CUT;
        header->walk_limit = 4000;
        header->walked_instructions = walks[i].walked;
        add_call(builder, (struct bs_call){.kind = BS_CALL_OUTSIDE});
        _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
        _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
        print_notes(trace, &buffer);
        const size_t length = strlen(buffer.data), end = strlen(walks[i].end);
        CHECK(length > end && !strcmp(buffer.data + length - end, walks[i].end));
    }
}

TEST(calls, another_path_is_noticed_and_belongs_to_no_event) {
    struct image_builder *builder = create();
    add_events(builder, (const int[]){LOAD_1, NEGATE, NEGATE, NEGATE, RETURN, LOAD_1, RETURN, -1});
    add_opcode(builder, LOAD_1, 3);
    add_opcode(builder, LOAD_1, 99);
    add_opcode(builder, RETURN, 3);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    uint64_t total = 0;
    CHECK(trace->walk->missing_count > 0);
    for (size_t i = 0; i < trace->event_count; i++) {
        _cleanup_call_rows_ struct bs_call_rows rows = {};
        if (trace->events[i].offset_units == RETURN &&
            CHECK_OK(bs_call_rows_event(trace, i, &rows)))
            total += bs_call_rows_total(&rows);
    }
    CHECK(total <= 3);
    print_notes(trace, &buffer);
    CHECK(strstr(buffer.data, "took another path than the trace at event #2, or "));
}

/* An address in bytecode that two code objects share does not tell which of them it was. */
TEST(calls, code_objects_that_share_bytecode_are_told_apart_by_their_order) {
    static const uint8_t shared[] = {124, 0, 83, 0}; /* of 3.10: LOAD_FAST, RETURN_VALUE */
    static const struct image_code code = {.bytecode = shared, .bytecode_length = sizeof(shared)};
    struct image_builder *builder = image_builder_create(0x030a00f0);
    image_code(builder,
               &(struct image_code){.bytecode = bytecode, .bytecode_length = sizeof(bytecode)});
    image_code(builder, &code);
    image_code(builder, &code);
    for (uint32_t i = 0; i < 4; i++) {
        image_event(builder, BS_EVENT_OPCODE, 1 + i / 2, i % 2, 0);
        add_call(builder, (struct bs_call){.kind = BS_CALL_OPCODE,
                                           .code = 2, /* for all of them */
                                           .offset_units = i % 2,
                                           .instructions = i + 1});
    }
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    CHECK_EQ(trace->walk->missing_count, 0);
    CHECK_EQ(trace->walk->stray_count, 0);
    for (size_t i = 0; i < 4; i++) {
        _cleanup_call_rows_ struct bs_call_rows rows = {};
        CHECK_OK(bs_call_rows_event(trace, i, &rows));
        CHECK_EQ(bs_call_rows_total(&rows), i + 1);
    }
}

TEST(calls, the_cell_goes_down_and_names_the_heaviest) {
    struct image_builder *builder = create();
    add_events(builder, (const int[]){LOAD_1, LOAD_2, NEGATE, RETURN, -1});
    add_opcode(builder, LOAD_1, 3);
    add_opcode(builder, LOAD_2, 3);
    add_function(builder, 1, BS_CALL_FUNCTION, NEGATIVE, 0x1010, 5);
    add_function(builder, 2, BS_CALL_SYSTEM, 1, 0x2014, 0);
    add_opcode(builder, NEGATE, 1000);
    add_function(builder, 1, BS_CALL_FUNCTION, NAMELESS, 0x1008, 6);
    add_function(builder, 1, BS_CALL_FUNCTION, NEGATIVE, 0x1010, 5);
    add_function(builder, 2, BS_CALL_FUNCTION, NAMELESS, 0x2014, 4);
    add_function(builder, 2, BS_CALL_FUNCTION, UNKNOWN, SITE, 7);
    add_function(builder, 3, BS_CALL_FUNCTION, NAMELESS, 0x5010, 6);
    add_function(builder, 4, BS_CALL_FUNCTION, LONG_NEG, 0x4010, 8);
    add_function(builder, 1, BS_CALL_FUNCTION, COLD, 0x1014, 2);
    add_opcode(builder, RETURN, 2);
    add_function(builder, 1, BS_CALL_EVALUATOR, EVALUATOR, 0x1010, 800);
    add_function(builder, 2, BS_CALL_FUNCTION, LONG_NEG, 0x1010, 5);
    add_symbols(builder);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    static const char *const expected[] = {
        "      3",
        "      8  PyNumber_Negative abstract.c:200",
        "  1,038  PyNumber_Negative > 0x5000 > libm.so+0x3000 .. long_neg longobject.c:300",
        "    807  _PyEval_EvalFrameDefault > long_neg longobject.c:300",
    };
    for (size_t i = 0; i < 4; i++) {
        _cleanup_call_rows_ struct bs_call_rows rows = {};
        _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
        CHECK_OK(bs_call_rows_event(trace, i, &rows));
        bs_call_rows_cell(&rows, &buffer);
        CHECK_BYTES(buffer.data, buffer.length, expected[i]);
    }
}

/* The walk has an end, and a profile may have a million events after it. */
TEST(calls, events_beyond_the_walk_take_linear_time) {
    struct image_builder *builder = create();
    for (int i = 0; i < 300000; i++)
        image_event(builder, BS_EVENT_OPCODE, 0, LOAD_1, 0);
    add_opcode(builder, LOAD_1, 10);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    CHECK_TREE(trace, 0, "     10     10  LOAD_FAST in the evaluator\n");
    CHECK_TREE(trace, 299999, "");
}

TEST(calls, sums_count_recursion_once) {
    struct image_builder *builder = create();
    add_events(builder, (const int[]){LOAD_1, NEGATE, -1});
    add_call(builder, (struct bs_call){.kind = BS_CALL_OUTSIDE});
    add_function(builder, 1, BS_CALL_FUNCTION, NEGATIVE, 0, 100);
    add_opcode(builder, LOAD_1, 10);
    add_opcode(builder, NEGATE, 20);
    add_function(builder, 1, BS_CALL_FUNCTION, LONG_NEG, SITE, 5);
    add_function(builder, 2, BS_CALL_FUNCTION, NEGATIVE, 0x3010, 6);
    add_function(builder, 3, BS_CALL_FUNCTION, LONG_NEG, SITE, 7);
    add_symbols(builder);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_call_sums_ struct bs_call_sums all = {}, second = {};
    CHECK_OK(bs_call_sums_init(trace, 0, 2, &all));
    CHECK_EQ(all.instructions, 148);
    if (CHECK_EQ(all.count, 4)) {
        CHECK_BYTES(all.items[0].name.data, all.items[0].name.length, "PyNumber_Negative");
        CHECK_EQ(all.items[0].calls, 2);
        CHECK_EQ(all.items[0].instructions, 106);
        CHECK_EQ(all.items[0].total, 113);
        CHECK_BYTES(all.items[1].name.data, all.items[1].name.length, "_PyEval_EvalFrameDefault");
        CHECK_EQ(all.items[1].instructions, 30);
        CHECK_EQ(all.items[1].total, 48);
        CHECK_BYTES(all.items[2].name.data, all.items[2].name.length, "long_neg");
        CHECK_EQ(all.items[2].calls, 2);
        CHECK_EQ(all.items[2].instructions, 12);
        CHECK_EQ(all.items[2].total, 18);
    }
    /* Of some events only: not what ran outside of them. */
    CHECK_OK(bs_call_sums_init(trace, 1, 2, &second));
    CHECK_EQ(second.instructions, 38);
}

/* Static functions of one name are as many as their files; handlers are the evaluator in any. */
TEST(calls, sums_part_functions_of_one_name_by_file) {
    struct image_builder *builder = create();
    add_events(builder, (const int[]){LOAD_1, NEGATE, -1});
    add_opcode(builder, LOAD_1, 10);
    add_function(builder, 1, BS_CALL_FUNCTION, NEGATIVE, 0, 1);
    add_call(builder, (struct bs_call){.function_addr = EVALUATOR + 16,
                                       .instructions = 20,
                                       .kind = BS_CALL_OPCODE,
                                       .opcode = bytecode[2 * NEGATE],
                                       .offset_units = NEGATE});
    add_function(builder, 1, BS_CALL_FUNCTION, LONG_NEG, 0, 2);
    add_symbol(builder, EVALUATOR, "eval", "/src/ceval.c", 100, false);
    add_symbol(builder, EVALUATOR + 16, "eval", "/src/generated_cases.c.h", 7, false);
    add_symbol(builder, NEGATIVE, "dealloc", "/src/abstract.c", 200, false);
    add_symbol(builder, LONG_NEG, "dealloc", "/src/longobject.c", 300, false);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_call_sums_ struct bs_call_sums sums = {};
    CHECK_OK(bs_call_sums_init(trace, 0, 2, &sums));
    if (!CHECK_EQ(sums.count, 3))
        return;
    CHECK_EQ(sums.items[0].instructions, 30);
    CHECK_EQ(sums.items[0].file.length, 0);
    CHECK_BYTES(sums.items[1].file.data, sums.items[1].file.length, "longobject.c");
    CHECK_BYTES(sums.items[2].file.data, sums.items[2].file.length, "abstract.c");
}

/* What is heaviest comes first, by itself and then with what it calls; else it goes by the name. */
TEST(calls, sums_of_many_functions_are_in_order) {
    enum {
        FUNCTIONS = 300
    };
    struct image_builder *builder = create();
    add_events(builder, (const int[]){LOAD_1, -1});
    add_opcode(builder, LOAD_1, 1);
    for (uint64_t i = 2 * FUNCTIONS; i-- > 0;)
        add_function(builder, 1, BS_CALL_FUNCTION, 0x10000 + i % FUNCTIONS, 0, 5);
    add_function(builder, 1, BS_CALL_FUNCTION, 0x20000, 0, 10);
    add_function(builder, 2, BS_CALL_FUNCTION, 0x30000, 0, 20);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    _cleanup_call_sums_ struct bs_call_sums sums = {};
    CHECK_OK(bs_call_sums_init(trace, 0, 1, &sums));
    if (!CHECK_EQ(sums.count, FUNCTIONS + 3))
        return;
    CHECK_BYTES(sums.items[0].name.data, sums.items[0].name.length, "0x30000");
    CHECK_BYTES(sums.items[1].name.data, sums.items[1].name.length, "0x20000");
    for (int i = 0; i < FUNCTIONS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "0x%x", 0x10000 + i);
        CHECK_BYTES(sums.items[2 + i].name.data, sums.items[2 + i].name.length, name);
        CHECK_EQ(sums.items[2 + i].calls, 2);
    }
}

TEST(calls, json_has_them_in_preorder_below_the_evaluator) {
    struct image_builder *builder = create();
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    add_events(builder, (const int[]){LOAD_1, NEGATE, -1});
    add_opcode(builder, LOAD_1, 3);
    add_opcode(builder, NEGATE, 12);
    add_function(builder, 1, BS_CALL_FUNCTION, NEGATIVE, 0x1010, 5);
    add_function(builder, 2, BS_CALL_FUNCTION, UNKNOWN, OTHER_SITE, 7);
    add_symbols(builder);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    CHECK_OK(bs_json_render(trace, &buffer));
    bs_buffer_char(&buffer, '\0');
    CHECK(strstr(buffer.data, "\"instructions\": 3, \"native\": []}"));
    CHECK(strstr(buffer.data,
                 "\"instructions\": 24, \"native\": ["
                 "{\"depth\": 0, \"function\": \"PyNumber_Negative\", \"file\": \"abstract.c\", "
                 "\"line\": 200, \"instructions\": 5, \"total\": 12, \"inlined\": false}, "
                 "{\"depth\": 1, \"function\": \"call_neg\", \"file\": \"abstract.c\", "
                 "\"line\": 32, \"instructions\": 0, \"total\": 7, \"inlined\": true}, "
                 "{\"depth\": 2, \"function\": \"0x5000\", \"file\": null, \"line\": null, "
                 "\"instructions\": 7, \"total\": 7, \"inlined\": false}]}"));
}

TEST(calls, without_a_walk_nothing_is_shown) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    _cleanup_call_rows_ struct bs_call_rows rows = {};
    struct bs_notes notes;
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    CHECK(!trace->walk);
    CHECK(!bs_calls_has_trees(trace, 0));
    CHECK_OK(bs_call_rows_event(trace, 1, &rows));
    CHECK_EQ(rows.count, 0);
    bs_call_rows_cell(&rows, &buffer);
    bs_notes_init(trace, BS_NOTES_OF_CALLS, &notes);
    CHECK(!bs_notes_next(&notes));
    CHECK_OK(bs_call_sums_render(trace, 0, 2, &buffer));
    CHECK_EQ(buffer.length, 0);
}

/* What the records may not say, and the part of the message that names it. */
static void check_refused(struct bs_call first, struct bs_call second, const char *part) {
    struct image_builder *builder = create();
    struct bs_trace *trace;
    size_t length;
    add_events(builder, (const int[]){NEGATE, -1});
    add_call(builder, first);
    add_call(builder, second);
    void *image = image_finish(builder, &length);
    CHECK_ERROR(bs_trace_create(image, length, &trace), BS_ERROR_CORRUPT, part);
}

TEST(calls, records_that_contradict_themselves_are_refused) {
    const struct bs_call opcode = {.kind = BS_CALL_OPCODE, .offset_units = NEGATE};
    const struct bs_call function = {.kind = BS_CALL_FUNCTION, .depth = 1};
    struct bs_call bad = opcode;
    bad.kind = 0;
    check_refused(bad, function, "call 1: unknown kind");
    bad.kind = BS_CALL_SYSTEM + 1;
    check_refused(opcode, bad, "call 2: unknown kind");
    bad = opcode;
    bad.code = 1;
    check_refused(bad, function, "call 1: no such code");
    bad = opcode;
    bad.offset_units = 5;
    check_refused(bad, function, "call 1: no instruction at its offset");
    bad = opcode;
    bad.cut = 2;
    check_refused(bad, function, "call 1: unknown flags");
    bad = function;
    check_refused(bad, opcode, "call 1: deeper than what could call it");
    bad.depth = 2;
    check_refused(opcode, bad, "call 2: deeper than what could call it");
    bad.depth = 0;
    check_refused(opcode, bad, "call 2: not an opcode, and nothing above it");
    bad = opcode;
    bad.depth = 1;
    check_refused(opcode, bad, "call 2: an opcode below something");
    bad = (struct bs_call){.kind = BS_CALL_OUTSIDE};
    check_refused(opcode, bad, "call 2: outside of opcodes, and not the first");
    bad = function;
    bad.cut = 1;
    check_refused(opcode, bad, "call 2: unknown flags");
}

TEST(calls, system_calls_call_nothing) {
    struct image_builder *builder = create();
    struct bs_trace *trace;
    size_t length;
    add_opcode(builder, NEGATE, 1);
    add_function(builder, 1, BS_CALL_SYSTEM, 1, 0, 0);
    add_function(builder, 2, BS_CALL_FUNCTION, NEGATIVE, 0, 0);
    void *image = image_finish(builder, &length);
    CHECK_ERROR(bs_trace_create(image, length, &trace), BS_ERROR_CORRUPT,
                "call 3: called by a system call");
}

static void check_symbols_refused(const struct bs_symbol *symbols, size_t count, const char *part) {
    struct image_builder *builder = create();
    struct bs_trace *trace;
    size_t length;
    add_opcode(builder, NEGATE, 1);
    image_append(builder, BS_SECTION_SYMBOLS, symbols, count * sizeof(*symbols));
    void *image = image_finish(builder, &length);
    CHECK_ERROR(bs_trace_create(image, length, &trace), BS_ERROR_CORRUPT, part);
}

TEST(calls, symbols_that_contradict_themselves_are_refused) {
    struct bs_symbol symbols[BS_CALL_INLINED_MAX + 2] = {{.addr = 2}, {.addr = 1}};
    check_symbols_refused(symbols, 2, "symbol 2: out of order");
    symbols[1].addr = 2;
    check_symbols_refused(symbols, 2, "symbol 2: inlined into nothing, or not inlined");
    symbols[0].inlined = 1;
    symbols[1].addr = 3;
    check_symbols_refused(symbols, 2, "symbol 2: inlined into nothing, or not inlined");
    check_symbols_refused(symbols, 1, "symbol 1: inlined into nothing");
    symbols[0].inlined = 2;
    check_symbols_refused(symbols, 1, "symbol 1: unknown flags");
    symbols[0] = (struct bs_symbol){.function = 0x7fffffff};
    check_symbols_refused(symbols, 1, "symbol 1: no text at its offset");
    for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++)
        symbols[i] = (struct bs_symbol){.addr = 7, .inlined = 1};
    check_symbols_refused(symbols, sizeof(symbols) / sizeof(*symbols), "too many are inlined");
}
