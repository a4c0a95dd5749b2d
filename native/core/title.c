#include "core/title.h"

#include "core/number.h"
#include "core/text.h"

#define RULE_COLUMNS (BS_TITLE_COLUMNS - 3)
#define SIDE_COLUMNS 2 /* of rule that stay however long the text is */

/* Begin a title that will hold @p columns of text; what end_title() must add is returned. */
static long begin_title(struct bs_buffer *buffer, enum bs_style style, char fill, size_t columns) {
    long room = RULE_COLUMNS - 2 * SIDE_COLUMNS - (long)columns;
    if (room < 0)
        room = 0;
    bs_buffer_style(buffer, style);
    bs_buffer_text(buffer, "// ");
    bs_buffer_fill(buffer, fill, SIDE_COLUMNS + room / 2);
    return SIDE_COLUMNS + room - room / 2;
}

static void end_title(struct bs_buffer *buffer, char fill, long columns) {
    bs_buffer_fill(buffer, fill, columns);
    bs_buffer_style(buffer, BS_STYLE_PLAIN);
}

static size_t columns_of(struct bs_text text) {
    return bs_text_columns(text.data, text.length);
}

void bs_title_frame(struct bs_buffer *buffer, const struct bs_code *code, uint32_t line) {
    struct bs_text stem = bs_path_stem(code->filename);
    size_t columns = sizeof(" : `` ") - 1 + columns_of(stem) + columns_of(code->qualname) +
                     (size_t)bs_fixed_columns(line, 0);
    long rest = begin_title(buffer, BS_STYLE_TITLE, '=', columns);
    bs_buffer_char(buffer, ' ');
    bs_buffer_clean(buffer, stem);
    bs_buffer_char(buffer, ':');
    bs_buffer_number(buffer, line, 0);
    bs_buffer_text(buffer, " `");
    bs_buffer_clean(buffer, code->qualname);
    bs_buffer_text(buffer, "` ");
    end_title(buffer, '=', rest);
}

void bs_title_raised(struct bs_buffer *buffer, struct bs_text type) {
    size_t columns = sizeof(" `` ") - 1 + columns_of(type);
    long rest = begin_title(buffer, BS_STYLE_ERROR, '!', columns);
    bs_buffer_text(buffer, " `");
    bs_buffer_clean(buffer, type);
    bs_buffer_text(buffer, "` ");
    end_title(buffer, '!', rest);
}

void bs_title_end(struct bs_buffer *buffer) {
    end_title(buffer, '=', begin_title(buffer, BS_STYLE_TITLE, '=', 0));
}
