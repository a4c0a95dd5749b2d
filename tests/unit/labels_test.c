#include "core/labels.h"

#include "check.h"

TEST(labels, versions_are_written_as_python_writes_them) {
    static const struct {
        uint32_t python;
        const char *text;
    } cases[] = {
        {0x030a0000, "3.10"},     {0x030d00f0, "3.13.0"},   {0x030f00c1, "3.15.0rc1"},
        {0x030e00a7, "3.14.0a7"}, {0x030e00b2, "3.14.0b2"}, {0x030b07f0, "3.11.7"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
        char text[BS_VERSION_BYTES];
        bs_python_version_text(cases[i].python, text);
        bs_buffer_python(&buffer, cases[i].python);
        CHECK_TEXT(text, cases[i].text);
        CHECK_BYTES(buffer.data, buffer.length, cases[i].text);
    }
}
