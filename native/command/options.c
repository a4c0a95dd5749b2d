#include "command/options.h"

#include <string.h>

#define RUNS      (BS_VERB_TRACE | BS_VERB_PROFILE)
#define LISTINGS  (RUNS | BS_VERB_SHOW)
#define FILES     (BS_VERB_SAVE | BS_VERB_LOAD)
#define PRINT     (LISTINGS | BS_VERB_STACK | BS_VERB_CODE | BS_VERB_STATUS)
#define EVERY     (PRINT | FILES | BS_VERB_SET)
#define AT(field) .offset = offsetof(struct bs_options, field)

static const struct bs_option table[] = {
    {.name = "engine",
     .value = "ENGINE",
     .kind = BS_OPTION_CHOICE,
     .verbs = RUNS,
     .settable = true,
     .fallback = "auto",
     .choices = "auto|probe|settrace",
     AT(engine),
     .doc = "auto is probe (fast) if possible, or settrace"},
    {.name = "in-process",
     .negative = "no-in-process",
     .kind = BS_OPTION_BOOL,
     .verbs = RUNS,
     .settable = true,
     .fallback = "off",
     AT(in_process),
     .doc = "Run in the process itself, not in a clone"},
    {.name = "trust-seccomp",
     .negative = "no-trust-seccomp",
     .kind = BS_OPTION_BOOL,
     .verbs = RUNS,
     .settable = true,
     .fallback = "off",
     AT(trust_seccomp),
     .doc = "Call into a process that has a filter, too"},
    {.name = "timeout",
     .value = "SECONDS",
     .kind = BS_OPTION_SECONDS,
     .verbs = RUNS,
     .settable = true,
     .fallback = "60",
     .low = 0.01,
     .high = 86400,
     AT(timeout_ns),
     .doc = "Give up after this long"},
    {.name = "max-events",
     .value = "N",
     .kind = BS_OPTION_COUNT,
     .verbs = RUNS,
     .settable = true,
     .fallback = "1000000",
     .low = 1,
     .high = 100000000,
     AT(max_events),
     .doc = "Record at most so many events"},
    {.name = "warmups",
     .value = "N",
     .kind = BS_OPTION_COUNT,
     .verbs = BS_VERB_PROFILE,
     .settable = true,
     .fallback = "1500",
     .high = 1000000000,
     AT(warmups),
     .doc = "Run CALL so often before it is timed"},
    {.name = "repeats",
     .value = "N",
     .kind = BS_OPTION_COUNT,
     .verbs = BS_VERB_PROFILE,
     .settable = true,
     .fallback = "1500",
     .low = 1,
     .high = 1000000000,
     AT(repeats),
     .doc = "Time so many runs of CALL"},
    {.name = "budget",
     .value = "SECONDS",
     .kind = BS_OPTION_SECONDS,
     .verbs = BS_VERB_PROFILE,
     .settable = true,
     .fallback = "10",
     .low = 0.01,
     .high = 86400,
     AT(budget_ns),
     .doc = "Stop repeating early after this long"},
    {.name = "adaptive",
     .negative = "no-adaptive",
     .kind = BS_OPTION_BOOL,
     .verbs = BS_VERB_PROFILE,
     .settable = true,
     .fallback = "off",
     AT(adaptive),
     .doc = "Show the specialised form that ran"},
    {.name = "native",
     .negative = "no-native",
     .value = "COLUMN",
     .kind = BS_OPTION_CHOICE,
     .verbs = BS_VERB_PROFILE | BS_VERB_SHOW,
     .settable = true,
     .fallback = "leaf",
     .choices = "none|leaf|tree",
     AT(native),
     .doc = "C functions beside opcodes"},
    {.name = "max-walk",
     .value = "N",
     .kind = BS_OPTION_COUNT,
     .verbs = BS_VERB_PROFILE,
     .settable = true,
     .fallback = "250000",
     .low = 1,
     .high = 16000000,
     AT(max_walk),
     .doc = "Machine instructions to follow into C"},
    {.name = "stats",
     .value = "STATISTIC",
     .kind = BS_OPTION_CHOICE,
     .verbs = BS_VERB_SHOW,
     .settable = true,
     .fallback = "min",
     .choices = "min|median|mean",
     AT(stats),
     .doc = "Which time of the repeats to print"},
    {.name = "by",
     .value = "KEY",
     .kind = BS_OPTION_CHOICE,
     .verbs = BS_VERB_SHOW,
     .fallback = "event",
     .choices = "event|opcode|family|line|function",
     AT(by),
     .doc = "Sum up; family: an opcode in all its forms"},
    {.name = "range",
     .value = "A-B",
     .kind = BS_OPTION_RANGE,
     .verbs = BS_VERB_SHOW,
     AT(range),
     .doc = "Only events A to B, counted from 1"},
    {.name = "event",
     .value = "N",
     .kind = BS_OPTION_COUNT,
     .verbs = BS_VERB_SHOW,
     .low = 1,
     .high = 4294967295.0,
     AT(event),
     .doc = "One event in full"},
    {.name = "frame-filter",
     .kind = BS_OPTION_BOOL,
     .settable = true,
     .fallback = "off",
     AT(frame_filter),
     .doc = "Python frames in the debugger's own backtrace"},
    {.name = "all",
     .kind = BS_OPTION_BOOL,
     .verbs = BS_VERB_STACK,
     .fallback = "off",
     AT(all),
     .doc = "Every thread, not only the selected one"},
    {.name = "save",
     .value = "FILE",
     .kind = BS_OPTION_FILE,
     .verbs = RUNS,
     AT(save),
     .doc = "Save it to FILE, for `bytesight load`"},
    {.name = "json",
     .value = "FILE",
     .kind = BS_OPTION_FILE,
     .verbs = LISTINGS,
     AT(json),
     .doc = "Write it as JSON to FILE instead of printing it"},
    {.name = "color",
     .negative = "no-color",
     .kind = BS_OPTION_BOOL,
     .verbs = PRINT,
     .settable = true,
     .fallback = "on",
     AT(color),
     .doc = "Colours, where the debugger has them on"},
    {.name = "help", .kind = BS_OPTION_BOOL, .verbs = EVERY, AT(help), .doc = "Print this"},
};
#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))
_Static_assert(TABLE_ROWS <= BS_OPTION_ROWS_MAX, "a bit of uint64_t for each row");

const struct bs_option *bs_option_table(size_t *ret_count) {
    *ret_count = TABLE_ROWS;
    return table;
}

static void settable_names(struct bs_buffer *buffer) {
    const char *separator = "";
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        if (!table[i].settable)
            continue;
        bs_buffer_format(buffer, "%s%s", separator, table[i].name);
        separator = ", ";
    }
}

struct bs_error *bs_option_find(const char *name, size_t length, const struct bs_option **ret) {
    const struct bs_option *found = NULL;
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        bool matches = length && !strncmp(table[i].name, name, length);
        if (!matches || !table[i].settable)
            continue;
        if (found)
            return bs_error_create(BS_ERROR_USAGE, "the setting %.*s is ambiguous: %s or %s",
                                   (int)length, name, found->name, table[i].name);
        found = &table[i];
        if (!found->name[length])
            break;
    }
    if (!found) {
        _cleanup_buffer_ struct bs_buffer names = BS_BUFFER_INIT;
        settable_names(&names);
        return bs_error_create(BS_ERROR_USAGE, "there is no setting %.*s; the settings are %.*s",
                               (int)length, name, (int)names.length, names.data);
    }
    *ret = found;
    return NULL;
}

struct bs_error *bs_options_init(struct bs_options *options) {
    struct bs_error *error = NULL;
    *options = (struct bs_options){};
    for (size_t i = 0; i < TABLE_ROWS && !error; i++) {
        if (table[i].fallback)
            error = bs_option_set(options, &table[i], table[i].fallback);
    }
    return error;
}

void bs_options_deinit(struct bs_options *options) {
    free(bs_take(options->save));
    free(bs_take(options->json));
}

struct bs_error *bs_options_copy(const struct bs_options *options, struct bs_options *ret) {
    struct bs_options copy = *options;
    copy.save = options->save ? strdup(options->save) : NULL;
    copy.json = options->json ? strdup(options->json) : NULL;
    if ((options->save && !copy.save) || (options->json && !copy.json)) {
        bs_options_deinit(&copy);
        return &bs_enomem;
    }
    *ret = copy;
    return NULL;
}

#define HELP_COLUMN 26

static void help_line(const struct bs_option *option, const struct bs_options *defaults,
                      struct bs_buffer *buffer) {
    size_t start = buffer->length;
    bs_buffer_text(buffer, "  --");
    bs_buffer_text(buffer, option->name);
    if (option->kind == BS_OPTION_CHOICE)
        bs_buffer_format(buffer, "=%s", option->choices);
    else if (option->value)
        bs_buffer_format(buffer, " %s", option->value);
    if (option->negative)
        bs_buffer_format(buffer, ", --%s", option->negative);
    if (buffer->length - start > HELP_COLUMN - 2) {
        bs_buffer_char(buffer, '\n');
        start = buffer->length;
    }
    bs_buffer_fill(buffer, ' ', HELP_COLUMN - (long)(buffer->length - start));
    bs_buffer_text(buffer, option->doc);
    if (option->fallback) {
        bs_buffer_text(buffer, " (");
        bs_option_get(defaults, option, buffer);
        bs_buffer_char(buffer, ')');
    }
    bs_buffer_char(buffer, '\n');
}

void bs_options_help(uint32_t bit, const struct bs_options *defaults, struct bs_buffer *buffer) {
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        if (table[i].verbs & bit)
            help_line(&table[i], defaults, buffer);
    }
}
