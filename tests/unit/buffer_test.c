#include "check.h"
#include "core/buffer.h"

#include <string.h>

TEST(buffer, numbers_are_padded_on_the_left) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_buffer_number(&buffer, -12, 5);
    bs_buffer_number(&buffer, INT64_MIN, 0);
    bs_buffer_number(&buffer, 1234, 2);
    CHECK_BYTES(buffer.data, buffer.length, "  -12-92233720368547758081234");
}

TEST(buffer, grows_over_many_appends) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    for (int i = 0; i < 10000; i++)
        bs_buffer_format(&buffer, "%04d", i);
    CHECK_EQ(buffer.length, 40000);
    CHECK(!memcmp(buffer.data + 40000 - 4, "9999", 4));
}

struct sink {
    size_t calls, bytes, last_span;
    bool fail;
};

static struct bs_error *count_sink(void *arg, const char *data, size_t length,
                                   const struct bs_span *spans, size_t span_count) {
    struct sink *sink = arg;
    sink->calls++;
    sink->bytes += length;
    sink->last_span = span_count ? spans[span_count - 1].start_bytes : 0;
    return sink->fail ? bs_error_create(BS_ERROR_HOST, "pager quit") : NULL;
}

TEST(buffer, drains_to_its_sink_by_whole_lines) {
    struct sink sink = {0};
    _cleanup_buffer_ struct bs_buffer buffer = {.sink = count_sink, .sink_arg = &sink};
    for (int i = 0; i < 20000; i++) {
        bs_buffer_style(&buffer, BS_STYLE_OPCODE);
        bs_buffer_text(&buffer, "0123456789");
        bs_buffer_line_end(&buffer);
    }
    CHECK_OK(bs_buffer_status(&buffer));
    CHECK_EQ(sink.bytes, 220000);
    CHECK(sink.calls > 2 && sink.calls < 10);
    CHECK(sink.last_span < 70000);
}

TEST(buffer, failure_sticks_and_is_given_once) {
    struct sink sink = {.fail = true};
    _cleanup_buffer_ struct bs_buffer buffer = {.sink = count_sink, .sink_arg = &sink};
    bs_buffer_text(&buffer, "a\n");
    CHECK_ERROR(bs_buffer_status(&buffer), BS_ERROR_HOST, "pager quit");
    CHECK_EQ(sink.calls, 1);
}

TEST(buffer, columns_count_code_points) {
    CHECK_EQ(bs_text_columns("a\xc3\xa4\xe2\x82\xac", 6), 3);
}
