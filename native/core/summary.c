#include "core/summary.h"

#include "core/groups.h"
#include "core/labels.h"
#include "core/number.h"
#include "core/range.h"
#include "core/text.h"
#include "core/title.h"

#include <math.h>
#include <string.h>

#define COUNT_COLUMNS 11
#define TIME_COLUMNS  14
#define SHARE_COLUMNS 8

struct summary {
    const struct bs_trace *trace;
    const struct bs_summary_options *options;
    struct bs_groups groups;
    struct bs_buffer *buffer;
};

typedef void (*print_fn)(const struct summary *summary, const struct bs_group *group);

static void print_count(const struct summary *summary, const struct bs_group *group) {
    const double tenths = round(group->count * 10);
    if (fmod(tenths, 10) != 0) /* not on the path of every run */
        bs_buffer_fixed(summary->buffer, group->count, 1, COUNT_COLUMNS);
    else
        bs_buffer_count(summary->buffer, (uint64_t)(tenths / 10), COUNT_COLUMNS);
}

static void print_entered(const struct summary *summary, const struct bs_group *group) {
    if (group->entered > 0)
        bs_buffer_count(summary->buffer, (uint64_t)group->entered, COUNT_COLUMNS);
}

static void print_duration(const struct summary *summary, double ns) {
    bs_buffer_style(summary->buffer, BS_STYLE_TIME);
    bs_buffer_duration(summary->buffer, ns, TIME_COLUMNS);
    bs_buffer_style(summary->buffer, BS_STYLE_PLAIN);
}

static void print_total(const struct summary *summary, const struct bs_group *group) {
    print_duration(summary, group->total_ns);
}

static void print_share(const struct summary *summary, const struct bs_group *group) {
    const struct bs_group *sum = &summary->groups.sum;
    double share =
        summary->groups.timing.timed ? group->total_ns / sum->total_ns : group->count / sum->count;
    bs_buffer_fixed(summary->buffer, share > 0 ? 100 * share : 0, 1, SHARE_COLUMNS - 2);
    bs_buffer_text(summary->buffer, " %");
}

/* The time of one execution, as exact as the clock is. */
static void print_one(const struct summary *summary, double ns) {
    const struct bs_timing *timing = &summary->groups.timing;
    bs_buffer_time(summary->buffer, ns, timing->resolution_ns, timing->decimals, BS_STYLE_TIME,
                   TIME_COLUMNS - 3);
}

static void print_min(const struct summary *summary, const struct bs_group *group) {
    if (group != &summary->groups.sum)
        print_one(summary, group->min_ns);
}

static void print_median(const struct summary *summary, const struct bs_group *group) {
    if (group != &summary->groups.sum)
        print_one(summary, group->median_ns);
}

static void print_inclusive(const struct summary *summary, const struct bs_group *group) {
    if (group != &summary->groups.sum)
        print_duration(summary, group->inclusive_ns);
}

static void print_opcode(const struct summary *summary, const struct bs_group *group) {
    bs_buffer_style(summary->buffer, BS_STYLE_OPCODE);
    bs_buffer_text(summary->buffer, bs_opcode_name(summary->trace->header->python, group->opcode));
}

static void print_line(const struct summary *summary, const struct bs_group *group) {
    const struct bs_text *source =
        bs_code_source(summary->trace->codes[group->code].code, group->line);
    bs_buffer_style(summary->buffer, BS_STYLE_DIM);
    if (group->line == BS_NO_LINE)
        bs_buffer_text(summary->buffer, "no line");
    else
        bs_buffer_number(summary->buffer, group->line, 0);
    bs_buffer_style(summary->buffer, BS_STYLE_SOURCE);
    if (source) {
        bs_buffer_text(summary->buffer, "  ");
        bs_buffer_clean(summary->buffer, *source);
    }
}

static void print_function(const struct summary *summary, const struct bs_group *group) {
    const struct bs_code *code = summary->trace->codes[group->code].code;
    bs_buffer_style(summary->buffer, BS_STYLE_FUNCTION);
    bs_buffer_clean(summary->buffer, code->qualname);
    bs_buffer_style(summary->buffer, BS_STYLE_FILE);
    bs_buffer_text(summary->buffer, "  ");
    bs_buffer_clean(summary->buffer, code->filename);
    bs_buffer_char(summary->buffer, ':');
    bs_buffer_number(summary->buffer, code->first_line, 0);
}

/* What must be known for a column to be shown. */
enum need {
    NEEDS_TIMES = 1,
    NEEDS_EVENTS = 2, /* all of them */
};

/* A column of figures. To add one, add a row; an empty row ends a list. */
struct column {
    const char *heading;
    long width;
    unsigned int needs; /* of enum need */
    print_fn print;
};

static const struct column opcode_columns[] = {
    {"count", COUNT_COLUMNS, 0, print_count},
    {"total", TIME_COLUMNS, NEEDS_TIMES, print_total},
    {"share", SHARE_COLUMNS, 0, print_share},
    {"minimum", TIME_COLUMNS, NEEDS_TIMES, print_min},
    {"median", TIME_COLUMNS, NEEDS_TIMES, print_median},
    {},
};

static const struct column line_columns[] = {
    {"begun", COUNT_COLUMNS, NEEDS_EVENTS, print_entered},
    {"opcodes", COUNT_COLUMNS, 0, print_count},
    {"total", TIME_COLUMNS, NEEDS_TIMES, print_total},
    {"share", SHARE_COLUMNS, 0, print_share},
    {},
};

static const struct column function_columns[] = {
    {"entered", COUNT_COLUMNS, NEEDS_EVENTS, print_entered},
    {"opcodes", COUNT_COLUMNS, 0, print_count},
    {"self", TIME_COLUMNS, NEEDS_TIMES, print_total},
    {"share", SHARE_COLUMNS, 0, print_share},
    {"with calls", TIME_COLUMNS, NEEDS_TIMES | NEEDS_EVENTS, print_inclusive},
    {},
};

/* A kind of summary: the columns of figures, from left to right, and what stands behind them. */
static const struct table {
    const char *title;
    const char *heading; /* of what stands behind the figures */
    print_fn print;
    bool by_function; /* a title goes before the rows of each code */
    const struct column *columns;
} tables[] = {
    [BS_SUMMARY_OPCODE] = {"opcode", "opcode", print_opcode, false, opcode_columns},
    [BS_SUMMARY_FAMILY] = {"family of opcodes", "opcode", print_opcode, false, opcode_columns},
    [BS_SUMMARY_LINE] = {"line", "line", print_line, true, line_columns},
    [BS_SUMMARY_FUNCTION] = {"function", "function", print_function, false, function_columns},
};

static const struct table *table_of(const struct summary *summary) {
    return &tables[summary->options->key];
}

static bool is_shown(const struct summary *summary, const struct column *column) {
    return (!(column->needs & NEEDS_TIMES) || summary->groups.timing.timed) &&
           (!(column->needs & NEEDS_EVENTS) || summary->groups.whole);
}

static void print_title(const struct summary *summary, size_t first, size_t end) {
    struct bs_buffer *buffer = summary->buffer;
    bs_buffer_style(buffer, BS_STYLE_TITLE);
    bs_buffer_text(buffer, "//// Trace of `");
    bs_buffer_clean(buffer, bs_trace_name(summary->trace));
    bs_buffer_format(buffer, "` by %s", table_of(summary)->title);
    bs_range_print(buffer, summary->trace, first, end);
    bs_buffer_text(buffer, " :");
    bs_buffer_line_end(buffer);
}

static void print_headings(const struct summary *summary) {
    const struct table *table = table_of(summary);
    bs_buffer_style(summary->buffer, BS_STYLE_DIM);
    bs_buffer_text(summary->buffer, "//");
    for (const struct column *column = table->columns; column->print; column++) {
        if (!is_shown(summary, column))
            continue;
        bs_buffer_fill(summary->buffer, ' ', column->width - (long)strlen(column->heading));
        bs_buffer_text(summary->buffer, column->heading);
    }
    bs_buffer_text(summary->buffer, "   ");
    bs_buffer_text(summary->buffer, table->heading);
    bs_buffer_line_end(summary->buffer);
}

/* The figures of @p group; what prints nothing is filled up. */
static void print_figures(const struct summary *summary, const struct bs_group *group) {
    const struct table *table = table_of(summary);
    bs_buffer_text(summary->buffer, "  ");
    for (const struct column *column = table->columns; column->print; column++) {
        size_t start = summary->buffer->length;
        if (!is_shown(summary, column))
            continue;
        column->print(summary, group);
        if (summary->buffer->length == start)
            bs_buffer_fill(summary->buffer, ' ', column->width);
    }
    bs_buffer_text(summary->buffer, "   ");
}

static void print_code(const struct summary *summary, uint32_t number) {
    const struct bs_code *code = summary->trace->codes[number].code;
    bs_buffer_line_end(summary->buffer);
    bs_title_frame(summary->buffer, code, code->first_line);
    bs_buffer_line_end(summary->buffer);
}

static void print_groups(const struct summary *summary) {
    const struct table *table = table_of(summary);
    const struct bs_groups *groups = &summary->groups;
    for (size_t i = 0; i < groups->count && !summary->buffer->error; i++) {
        const struct bs_group *group = &groups->items[i];
        if (table->by_function && (!i || group->code != groups->items[i - 1].code))
            print_code(summary, group->code);
        print_figures(summary, group);
        table->print(summary, group);
        bs_buffer_line_end(summary->buffer);
    }
}

static void print_sum(const struct summary *summary) {
    if (table_of(summary)->by_function)
        bs_buffer_line_end(summary->buffer);
    print_figures(summary, &summary->groups.sum);
    bs_buffer_text(summary->buffer, "all");
    bs_buffer_line_end(summary->buffer);
}

struct bs_error *bs_summary_render(const struct bs_trace *trace,
                                   const struct bs_summary_options *options,
                                   struct bs_buffer *buffer) {
    struct summary summary = {.trace = trace, .options = options, .buffer = buffer};
    size_t first, end;
    struct bs_error *err = bs_range_find(trace, options->first, options->last, &first, &end);
    if (!err)
        err = bs_groups_init(trace, options->key, options->statistic, first, end, &summary.groups);
    if (err)
        return err;
    print_title(&summary, first, end);
    print_headings(&summary);
    print_groups(&summary);
    print_sum(&summary);
    bs_groups_deinit(&summary.groups);
    return NULL;
}
