#include "core/json.h"

#include "check.h"
#include "image_builder.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* What jansson reads of what was rendered of @p trace; NULL after a failed check. */
static json_t *read_back(const struct bs_trace *trace) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    json_error_t error;
    CHECK_OK(bs_json_render(trace, &buffer));
    CHECK_OK(bs_buffer_status(&buffer));
    json_t *read = json_loadb(buffer.data, buffer.length, JSON_REJECT_DUPLICATES, &error);
    if (!CHECK(read))
        printf("%d:%d: %s\n%.*s\n", error.line, error.column, error.text, (int)buffer.length,
               buffer.data);
    return read;
}

static void check_string(json_t *object, const char *key, const char *expected) {
    CHECK_TEXT(json_string_value(json_object_get(object, key)), expected);
}

static void check_number(json_t *object, const char *key, double expected) {
    json_t *value = json_object_get(object, key);
    CHECK(json_is_number(value) && fabs(json_number_value(value) - expected) < 1e-9);
}

static bool is_null(json_t *object, const char *key) {
    return json_is_null(json_object_get(object, key));
}

static json_t *event(json_t *object, size_t index) {
    return json_array_get(json_object_get(object, "events"), index);
}

/* The keys of @p object, in order, separated by blanks. */
static void check_keys(json_t *object, const char *expected) {
    char keys[256] = "";
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        strcat(keys, *keys ? " " : "");
        strcat(keys, key);
    }
    CHECK_TEXT(keys, expected);
}

TEST(json, profile_has_every_key) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    json_t *object = read_back(trace);
    check_keys(object, "bytesight python target engine isolated warmups repeats clock clock_hz "
                       "uninstrumented_ns instrumented_ns probe_overhead_ns result events");
    check_number(object, "bytesight", 1);
    check_string(object, "python", "3.13.0");
    check_string(object, "target", "answer()");
    check_string(object, "engine", "settrace");
    CHECK(json_is_true(json_object_get(object, "isolated")));
    check_number(object, "warmups", 1500);
    check_number(object, "repeats", 1500);
    check_string(object, "clock", "system");
    check_number(object, "clock_hz", 1e9);
    check_number(object, "uninstrumented_ns", 30);
    check_number(object, "instrumented_ns", 60);
    check_number(object, "probe_overhead_ns", 10);
    check_string(json_object_get(object, "result"), "kind", "return");
    CHECK_EQ(json_array_size(json_object_get(object, "events")), 6);
    json_decref(object);
}

TEST(json, events_have_their_keys) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    json_t *object = read_back(trace);
    check_keys(event(object, 0), "kind name file line");
    check_string(event(object, 0), "kind", "call");
    check_string(event(object, 0), "name", "answer");
    check_string(event(object, 0), "file", "/x/small.py");
    check_number(event(object, 0), "line", 7);
    check_keys(event(object, 1), "kind line text");
    check_string(event(object, 1), "text", "return 42");
    check_keys(event(object, 2), "kind code line offset opname specialized arg argrepr "
                                 "jump_target time_ns");
    check_string(event(object, 2), "kind", "opcode");
    check_string(event(object, 2), "code", "answer");
    check_number(event(object, 2), "line", 8);
    check_number(event(object, 2), "offset", 2);
    check_string(event(object, 2), "opname", "LOAD_CONST");
    check_string(event(object, 2), "specialized", "LOAD_CONST");
    check_number(event(object, 2), "arg", 1);
    check_string(event(object, 2), "argrepr", "42");
    CHECK(json_is_false(json_object_get(event(object, 2), "jump_target")));
    CHECK(is_null(event(object, 3), "arg"));
    check_string(event(object, 3), "argrepr", "");
    check_keys(event(object, 4), "kind value");
    check_string(event(object, 4), "value", "42");
    check_keys(event(object, 5), "kind");
    check_string(event(object, 5), "kind", "stop");
    json_decref(object);
}

TEST(json, times_add_up_to_the_run) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    json_t *object = read_back(trace);
    json_t *load = json_object_get(event(object, 2), "time_ns");
    json_t *leave = json_object_get(event(object, 3), "time_ns");
    check_keys(load, "min median mean raw_min uncertainty");
    check_number(load, "min", 20);
    check_number(leave, "min", 10);
    check_number(leave, "raw_min", 15);
    json_decref(object);
}

TEST(json, a_cut_trace_says_so) {
    struct image_builder *builder = image_small(true);
    image_header(builder)->flags |= BS_IMAGE_EVENTS_LOST;
    image_header(builder)->events_seen = 1234567;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    json_t *object = read_back(trace);
    check_number(object, "events_seen", 1234567);
    CHECK_EQ(json_array_size(json_object_get(object, "events")), 6);
    json_decref(object);
}

TEST(json, a_profile_says_what_there_is_to_know_of_its_times) {
    struct image_builder *builder = image_small(true);
    image_header(builder)->flags |= BS_IMAGE_DIVERGED | BS_IMAGE_CALLS_CUT;
    image_header(builder)->diverged_event = 2;
    image_header(builder)->walk_limit = 1000;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    json_t *object = read_back(trace), *notes = json_object_get(object, "notes");
    CHECK_EQ(json_array_size(notes), 2);
    CHECK_TEXT(json_string_value(json_array_get(notes, 0)),
               "repeats took different paths from event 3 on: from there each time is that of the "
               "instruction, over all its executions");
    CHECK_TEXT(json_string_value(json_array_get(notes, 1)),
               "C functions are known of no event: the walk ended after 1,000 machine instructions "
               "(--max-walk), rounds of string instructions included");
    json_decref(object);
}

TEST(json, trace_has_no_times) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(false));
    json_t *object = read_back(trace);
    CHECK(!json_object_get(event(object, 2), "time_ns"));
    CHECK(is_null(object, "uninstrumented_ns"));
    CHECK(is_null(object, "instrumented_ns"));
    CHECK(is_null(object, "probe_overhead_ns"));
    json_decref(object);
}

TEST(json, what_is_missing_is_null) {
    struct image_builder *builder = image_builder_create(0x030d00a2);
    uint32_t code =
        image_code(builder, &(struct image_code){.bytecode = "\x95\0S\1$\0", .bytecode_length = 6});
    image_event(builder, BS_EVENT_OPCODE, code, 2, 0);
    image_event(builder, BS_EVENT_RETURN, code, 0, 0);
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    json_t *object = read_back(trace);
    check_string(object, "python", "3.13.0a2");
    CHECK(is_null(event(object, 0), "line"));
    CHECK(is_null(event(object, 1), "value"));
    json_decref(object);
}

TEST(json, exceptions_and_outcomes) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    uint32_t raised = image_raised(builder, "ValueError", "bottom \"\n\x01\xc3\xa4");
    uint32_t code = image_code(builder, &(struct image_code){.qualname = "f"});
    image_event(builder, BS_EVENT_EXCEPTION, code, 0, raised);
    image_header(builder)->outcome = BS_OUTCOME_RAISED;
    image_header(builder)->outcome_text = raised;
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    json_t *object = read_back(trace), *result = json_object_get(object, "result");
    check_keys(event(object, 0), "kind type message");
    check_string(event(object, 0), "message", "bottom \"\n\x01\xc3\xa4");
    check_keys(result, "kind type message");
    check_string(result, "kind", "exception");
    check_string(result, "type", "ValueError");
    json_decref(object);
}

TEST(json, crashes_and_exits_are_told) {
    static const struct {
        enum bs_outcome outcome;
        const char *kind, *number;
    } cases[] = {{BS_OUTCOME_CRASHED, "crashed", "signal"},
                 {BS_OUTCOME_EXITED, "exited", "status"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct image_builder *builder = image_builder_create(0x030d00f0);
        image_header(builder)->outcome = cases[i].outcome;
        image_header(builder)->outcome_number = 11;
        _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
        json_t *object = read_back(trace), *result = json_object_get(object, "result");
        check_string(result, "kind", cases[i].kind);
        check_number(result, cases[i].number, 11);
        CHECK_EQ(json_array_size(json_object_get(object, "events")), 0);
        json_decref(object);
    }
}

TEST(json, what_is_not_utf8_is_replaced) {
    struct image_builder *builder = image_builder_create(0x030d00f0);
    uint32_t code = image_code(builder, &(struct image_code){.qualname = "f"});
    image_event(builder, BS_EVENT_RETURN, code, 0, image_string(builder, "a\xff"));
    _cleanup_trace_ struct bs_trace *trace = image_trace(builder);
    json_t *object = read_back(trace);
    check_string(event(object, 0), "value", "a\xef\xbf\xbd");
    json_decref(object);
}
