#include "core/code.h"

const struct bs_text *bs_code_source(const struct bs_code *code, uint32_t line) {
    size_t low = 0, high = code->source_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct bs_source_line *source = &code->sources[middle];
        if (source->line == line)
            return &source->text;
        if (source->line < line)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
