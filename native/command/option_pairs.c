/* Options of one line that do not go together. */
#include "command/options.h"

#include "core/text.h"

#include <string.h>

/* What the option `first` does makes `second` idle; it is all that can be done. */
static const struct {
    const char *first, *second;
    const char *value; /* only this value of `second`; NULL: any */
    const char *does;
} pairs[] = {
    {"json", "range", NULL, "writes the whole trace"},
    {"json", "event", NULL, "writes the whole trace"},
    {"json", "by", NULL, "writes the whole trace"},
    {"json", "native", "none", "writes the whole trace"},
    {"event", "range", NULL, "prints one event in full"},
    {"event", "by", NULL, "prints one event in full"},
    {"event", "native", "none", "prints one event in full"},
};

/* The row called @p name, if it is one of @p given. */
static const struct bs_option *find_given(const char *name, uint64_t given) {
    size_t rows;
    const struct bs_option *table = bs_option_table(&rows);
    for (size_t i = 0; i < rows; i++) {
        if (given >> i & 1 && !strcmp(table[i].name, name))
            return &table[i];
    }
    return NULL;
}

static bool has_value(const struct bs_options *options, const struct bs_option *option,
                      const char *value) {
    _cleanup_buffer_ struct bs_buffer text = BS_BUFFER_INIT;
    bs_option_get(options, option, &text);
    return bs_text_equal(bs_buffer_as_text(&text), bs_text_of(value));
}

struct bs_error *bs_options_check(uint32_t bit, const struct bs_options *options, uint64_t given) {
    /* `profile` makes what it writes: there --native says what is to be found out. */
    if (bit != BS_VERB_SHOW)
        return NULL;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const struct bs_option *first = find_given(pairs[i].first, given);
        const struct bs_option *second = find_given(pairs[i].second, given);
        const char *value = pairs[i].value;
        if (first && second && (!value || has_value(options, second, value)))
            return bs_error_create(
                BS_ERROR_USAGE, "--%s %s, whatever --%s%s%s says; leave one of them out",
                first->name, pairs[i].does, second->name, value ? "=" : "", value ? value : "");
    }
    return NULL;
}
