/* One value of one option: from text, to text. */
#include "command/options.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define NS_PER_SECOND 1e9

static bool parse_u64(const char *text, const char **ret_end, uint64_t *ret) {
    char *end;
    if (*text < '0' || *text > '9') /* strtoull would take signs and blanks */
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno)
        return false;
    *ret_end = end;
    *ret = value;
    return true;
}

static bool set_bool(const char *text, bool *ret) {
    static const char *const words[][4] = {{"off", "no", "false", "0"}, {"on", "yes", "true", "1"}};
    for (size_t value = 0; value < 2; value++) {
        for (size_t i = 0; i < 4; i++) {
            if (!strcasecmp(text, words[value][i])) {
                *ret = value;
                return true;
            }
        }
    }
    return false;
}

static bool set_count(const struct bs_option *option, const char *text, uint64_t *ret) {
    uint64_t value;
    const char *end;
    if (!parse_u64(text, &end, &value) || *end)
        return false;
    if ((double)value < option->low || (double)value > option->high)
        return false;
    *ret = value;
    return true;
}

static bool set_seconds(const struct bs_option *option, const char *text, uint64_t *ret) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || !isfinite(value))
        return false;
    if (*end == 's') /* "5s" says the same */
        end++;
    if (*end || value < option->low || value > option->high)
        return false;
    *ret = (uint64_t)llround(value * NS_PER_SECOND);
    return true;
}

/* The choice that @p text names or begins, alone in doing so. */
static bool set_choice(const struct bs_option *option, const char *text, uint32_t *ret) {
    size_t length = strlen(text);
    uint32_t index = 0, matches = 0;
    for (const char *choice = option->choices; choice; index++) {
        const char *bar = strchr(choice, '|');
        size_t choice_length = bar ? (size_t)(bar - choice) : strlen(choice);
        if (length && length <= choice_length && !strncmp(choice, text, length)) {
            *ret = index;
            if (length == choice_length)
                return true;
            matches++;
        }
        choice = bar ? bar + 1 : NULL;
    }
    return matches == 1;
}

/* "A-B", "A-" to the end, "A" alone. */
static bool set_range(const char *text, struct bs_range *ret) {
    struct bs_range range;
    const char *end;
    if (!parse_u64(text, &end, &range.first) || !range.first)
        return false;
    range.last = range.first;
    if (*end == '-') {
        text = end + 1;
        if (!*text) {
            range.last = UINT64_MAX;
            end = text;
        } else if (!parse_u64(text, &end, &range.last)) {
            return false;
        }
    }
    if (*end || range.last < range.first)
        return false;
    *ret = range;
    return true;
}

static struct bs_error *set_file(const char *text, char **ret) {
    char *copy = strdup(text);
    if (!copy)
        return &bs_enomem;
    free(*ret);
    *ret = copy;
    return NULL;
}

/* "auto, probe or settrace" */
static void list_choices(const char *choices, struct bs_buffer *buffer) {
    for (const char *c = choices; *c; c++) {
        if (*c != '|')
            bs_buffer_char(buffer, *c);
        else
            bs_buffer_text(buffer, strchr(c + 1, '|') ? ", " : " or ");
    }
}

static struct bs_error *refuse(const struct bs_option *option, const char *text) {
    _cleanup_buffer_ struct bs_buffer wants = BS_BUFFER_INIT;
    switch (option->kind) {
    case BS_OPTION_BOOL:
        bs_buffer_text(&wants, "on or off");
        break;
    case BS_OPTION_COUNT:
        bs_buffer_format(&wants, "a whole number from %.0f to %.0f", option->low, option->high);
        break;
    case BS_OPTION_SECONDS:
        bs_buffer_format(&wants, "seconds, from %g to %.0f", option->low, option->high);
        break;
    case BS_OPTION_CHOICE:
        list_choices(option->choices, &wants);
        break;
    case BS_OPTION_RANGE:
        bs_buffer_text(&wants, "two event numbers counted from 1, such as 20-40");
        break;
    case BS_OPTION_FILE:
        bs_buffer_text(&wants, "the name of a file");
        break;
    }
    return bs_error_create(BS_ERROR_USAGE, "%s takes %.*s, not \"%s\"", option->name,
                           (int)wants.length, wants.data, text);
}

struct bs_error *bs_option_set(struct bs_options *options, const struct bs_option *option,
                               const char *text) {
    void *field = (char *)options + option->offset;
    bool good = false;
    switch (option->kind) {
    case BS_OPTION_BOOL:
        good = set_bool(text, field);
        break;
    case BS_OPTION_COUNT:
        good = set_count(option, text, field);
        break;
    case BS_OPTION_SECONDS:
        good = set_seconds(option, text, field);
        break;
    case BS_OPTION_CHOICE:
        good = set_choice(option, text, field);
        break;
    case BS_OPTION_RANGE:
        good = set_range(text, field);
        break;
    case BS_OPTION_FILE:
        if (*text)
            return set_file(text, field);
        break;
    }
    return good ? NULL : refuse(option, text);
}

static void get_choice(const char *choices, uint32_t index, struct bs_buffer *buffer) {
    while (index--)
        choices = strchr(choices, '|') + 1;
    bs_buffer_append(buffer, choices, strcspn(choices, "|"));
}

static void get_range(const struct bs_range *range, struct bs_buffer *buffer) {
    if (!range->first)
        return;
    bs_buffer_format(buffer, "%" PRIu64 "-", range->first);
    if (range->last != UINT64_MAX)
        bs_buffer_format(buffer, "%" PRIu64, range->last);
}

void bs_option_get(const struct bs_options *options, const struct bs_option *option,
                   struct bs_buffer *buffer) {
    const void *field = (const char *)options + option->offset;
    switch (option->kind) {
    case BS_OPTION_BOOL:
        bs_buffer_text(buffer, *(const bool *)field ? "on" : "off");
        break;
    case BS_OPTION_COUNT:
        if (*(const uint64_t *)field || option->fallback) /* an event that was not given is 0 */
            bs_buffer_format(buffer, "%" PRIu64, *(const uint64_t *)field);
        break;
    case BS_OPTION_SECONDS:
        bs_buffer_format(buffer, "%.12g", (double)*(const uint64_t *)field / NS_PER_SECOND);
        break;
    case BS_OPTION_CHOICE:
        get_choice(option->choices, *(const uint32_t *)field, buffer);
        break;
    case BS_OPTION_RANGE:
        get_range(field, buffer);
        break;
    case BS_OPTION_FILE:
        if (*(char *const *)field)
            bs_buffer_text(buffer, *(char *const *)field);
        break;
    }
}
