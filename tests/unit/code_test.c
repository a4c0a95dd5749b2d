#include "check.h"
#include "core/code.h"

TEST(code, source_is_found_by_line) {
    static const struct bs_source_line sources[] = {
        {3, {"a", 1}}, {4, {"bb", 2}}, {7, {"", 0}}, {100000, {"last", 4}}};
    struct bs_code code = {.sources = sources, .source_count = 4};
    for (size_t i = 0; i < code.source_count; i++)
        CHECK(bs_code_source(&code, sources[i].line) == &sources[i].text);
    CHECK(!bs_code_source(&code, 0));
    CHECK(!bs_code_source(&code, 5));
    CHECK(!bs_code_source(&code, UINT32_MAX));
}

TEST(code, source_of_none_is_none) {
    struct bs_code code = {};
    CHECK(!bs_code_source(&code, 1));
}
