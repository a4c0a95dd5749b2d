/*
 * The options of every verb: one table, used to parse a line, to print help, to complete words and
 * to keep the defaults that `bytesight set` and the debugger's own settings change.
 *
 * To add an option: a member of struct bs_options, and a row of the table in options.c.
 */
#ifndef BS_COMMAND_OPTIONS_H
#define BS_COMMAND_OPTIONS_H

#include "core/buffer.h"
#include "format/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which verbs a row belongs to. */
enum bs_verb_bit {
    BS_VERB_TRACE = 1 << 0,
    BS_VERB_PROFILE = 1 << 1,
    BS_VERB_SHOW = 1 << 2,
    BS_VERB_STACK = 1 << 3,
    BS_VERB_CODE = 1 << 4,
    BS_VERB_STATUS = 1 << 5,
    BS_VERB_SAVE = 1 << 6,
    BS_VERB_LOAD = 1 << 7,
    BS_VERB_SET = 1 << 8,
};

enum bs_by {
    BS_BY_EVENT, /* no summary: the listing */
    BS_BY_OPCODE,
    BS_BY_FAMILY,
    BS_BY_LINE,
    BS_BY_FUNCTION,
};

enum bs_native {
    BS_NATIVE_NONE,
    BS_NATIVE_LEAF,
    BS_NATIVE_TREE,
};

/* Inclusive, counted from 1; both 0 when not given. */
struct bs_range {
    uint64_t first, last;
};

/* The values of one command line, or the defaults. Owns its texts. */
struct bs_options {
    uint32_t engine;   /* enum bs_engine */
    uint32_t by;       /* enum bs_by */
    uint32_t native;   /* enum bs_native */
    uint32_t stats;    /* enum bs_statistic of core/timing.h */
    bool frame_filter; /* the debugger's own to act on */
    bool in_process, trust_seccomp, adaptive, color, all;
    bool help;                      /* no more than that was asked */
    uint64_t timeout_ns, budget_ns; /* never 0 */
    uint64_t max_events, max_walk, warmups, repeats;
    uint64_t event; /* counted from 1; 0: not given */
    struct bs_range range;
    char *save, *json; /* file names; NULL: not given */
};

enum bs_option_kind {
    BS_OPTION_BOOL,    /* bool; as an option it takes no value, --NAME or --no-NAME */
    BS_OPTION_COUNT,   /* uint64_t */
    BS_OPTION_SECONDS, /* uint64_t of nanoseconds */
    BS_OPTION_CHOICE,  /* uint32_t: index into `choices` */
    BS_OPTION_RANGE,   /* struct bs_range */
    BS_OPTION_FILE,    /* char * */
};

struct bs_option {
    const char *name;     /* without dashes */
    const char *negative; /* the spelling that switches off, or NULL */
    const char *value;    /* what it takes, for help and errors: "SECONDS"; NULL for BOOL */
    enum bs_option_kind kind;
    uint32_t verbs;       /* enum bs_verb_bit */
    bool settable;        /* its default is the user's to set */
    const char *fallback; /* the default as text; NULL: not given */
    double low, high;     /* COUNT, SECONDS: inclusive bounds, in that unit */
    const char *choices;  /* CHOICE: "auto|probe|settrace" */
    size_t offset;        /* in struct bs_options */
    const char *doc;      /* one line, no period */
};

#define BS_OPTION_ROWS_MAX 64 /* bs_options_check() has a bit for each */
/* The table: @p ret_count rows, in the order in which help prints them. */
const struct bs_option *bs_option_table(size_t *ret_count);
/* The settable row called @p name, or an unambiguous beginning of it. */
struct bs_error *bs_option_find(const char *name, size_t length, const struct bs_option **ret);

/* Fill @p options with the table's defaults. */
struct bs_error *bs_options_init(struct bs_options *options);
void bs_options_deinit(struct bs_options *options);
#define _cleanup_options_ _cleanup_(bs_options_deinit)
struct bs_error *bs_options_copy(const struct bs_options *options, struct bs_options *ret);

/*
 * Parse the options at the start of @p line for the verb @p bit (called @p verb in messages) into
 * @p options, which holds the defaults, and check them. Options end at `--` or at the first word
 * that is not one; what follows is the operand, raw: *ret_operand points into @p line, past blanks,
 * "" for none. Values of options may be quoted as in a shell.
 */
struct bs_error *bs_options_parse(const char *verb, uint32_t bit, const char *line,
                                  struct bs_options *options, const char **ret_operand);

/*
 * Refuse an option of the verb that stands behind the operand, where it would be a part of that:
 * `f(1) --repeats 5`. In brackets and in quotes it is none, and after `--` all is raw. @p operand
 * is what bs_options_parse made of @p line.
 */
struct bs_error *bs_options_late(const char *verb, uint32_t bit, const char *line,
                                 const char *operand);

/* Refuse options that contradict each other; @p given has bit I set for row I that the line has. */
struct bs_error *bs_options_check(uint32_t bit, const struct bs_options *options, uint64_t given);

/* Set one option from the text of its value: `text` of BOOL is on/off, yes/no, true/false, 1/0. */
struct bs_error *bs_option_set(struct bs_options *options, const struct bs_option *option,
                               const char *text);
/* Append the value of @p option as bs_option_set() would take it; nothing when not given. */
void bs_option_get(const struct bs_options *options, const struct bs_option *option,
                   struct bs_buffer *buffer);

/* Append one line for each option of the verb @p bit, for help; nothing when it has none. */
void bs_options_help(uint32_t bit, const struct bs_options *defaults, struct bs_buffer *buffer);

#endif
