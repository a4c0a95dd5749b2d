#include "core/listing.h"

#include "core/call_rows.h"
#include "core/grow.h"
#include "core/labels.h"
#include "core/number.h"
#include "core/range.h"
#include "core/rows.h"
#include "core/text.h"
#include "core/title.h"

#include <math.h>
#include <string.h>

#define INDENT_COLUMNS 4
/* Python's own recursion limit: deeper frames are shown no further to the right. */
#define INDENT_DEPTH_MAX 1000
/* Where the columns beside the opcodes begin at the latest; a longer row pushes its own. */
#define ROW_COLUMNS_MAX 76
#define ROW_COLUMNS_MIN 48
#define COLUMN_GAP      2

/* A time stands out when it is this many times the mean of all. */
#define HOT_FACTOR 3

/* What there is to show beside one opcode. */
struct cell {
    size_t index; /* of the event */
    bool timed;
    bool with_above; /* ran as one with the opcode above it */
    double time_ns, resolution_ns;
};

struct listing {
    const struct bs_trace *trace;
    const struct bs_listing_options *options;
    struct bs_buffer *buffer;
    struct bs_rows rows;
    struct bs_timing timing;
    bool timed;            /* times are shown */
    size_t first, end;     /* of the events to print, counted from 0 */
    uint32_t depth, shown; /* of open frames; of the event at hand, counted from 0 */

    /* The rest is for times only. */
    struct cell cell;                   /* of the event at hand, an opcode */
    const struct bs_instruction *above; /* for bs_trace_timed() */
    double *frame_ns;                   /* in each open frame, with what it called */
    size_t frame_capacity;
    long row_columns;   /* of the widest row that is not too wide */
    int time_columns;   /* of the number alone */
    int number_columns; /* of an event number */
    double hot_ns;
};

static void print_time_value(struct listing *listing, double time_ns, double resolution_ns) {
    enum bs_style style = time_ns >= listing->hot_ns ? BS_STYLE_HOT : BS_STYLE_TIME;
    bs_buffer_time(listing->buffer, time_ns, resolution_ns, listing->timing.decimals, style,
                   listing->time_columns);
}

static void print_time(struct listing *listing) {
    const struct cell *cell = &listing->cell;
    if (cell->timed) {
        print_time_value(listing, cell->time_ns, cell->resolution_ns);
        return;
    }
    bs_buffer_fill(listing->buffer, ' ', listing->time_columns - 1);
    bs_buffer_text(listing->buffer, cell->with_above ? "^   " : "    ");
}

static void print_number(struct listing *listing) {
    size_t number = listing->cell.index + 1;
    int columns = bs_fixed_columns((double)number, 0);
    bs_buffer_style(listing->buffer, BS_STYLE_DIM);
    bs_buffer_fill(listing->buffer, ' ', listing->number_columns - columns);
    bs_buffer_char(listing->buffer, '#');
    bs_buffer_number(listing->buffer, (int64_t)number, 0);
    bs_buffer_style(listing->buffer, BS_STYLE_PLAIN);
}

/* Whether C functions are known for the opcode at hand, and wanted like this. */
static bool has_native(const struct listing *listing, enum bs_listing_native native) {
    return listing->options->native == native &&
           bs_calls_has_trees(listing->trace, listing->cell.index);
}

static bool has_native_leaf(const struct listing *listing) {
    return has_native(listing, BS_LISTING_NATIVE_LEAF);
}

/* The rows of C functions of the opcode at hand; none when there is no memory. */
static struct bs_call_rows native_rows(struct listing *listing) {
    struct bs_call_rows rows = {};
    struct bs_error *err = bs_call_rows_event(listing->trace, listing->cell.index, &rows);
    bs_buffer_fail(listing->buffer, err);
    return rows;
}

static void print_native_leaf(struct listing *listing) {
    _cleanup_call_rows_ struct bs_call_rows rows = native_rows(listing);
    bs_call_rows_cell(&rows, listing->buffer);
}

static bool is_timed(const struct listing *listing) {
    return listing->timed;
}

/*
 * What stands to the right of an opcode, from left to right, each after a gap. A column prints the
 * same width on every row, but for the last one, which may print what it likes.
 */
static const struct column {
    bool (*wanted)(const struct listing *listing);
    void (*print)(struct listing *listing); /* of listing->cell */
} beside[] = {
    {is_timed, print_time},
    {is_timed, print_number},
    {has_native_leaf, print_native_leaf},
};

static void print_columns(struct listing *listing, long row_columns) {
    long gap = listing->row_columns - row_columns;
    for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++) {
        if (!beside[i].wanted(listing))
            continue;
        bs_buffer_fill(listing->buffer, ' ', (gap > 0 ? gap : 0) + COLUMN_GAP);
        beside[i].print(listing);
        gap = 0;
    }
}

static long indent_columns(const struct listing *listing) {
    uint32_t depth = listing->shown < INDENT_DEPTH_MAX ? listing->shown : INDENT_DEPTH_MAX;
    return INDENT_COLUMNS * (long)depth;
}

static void begin_line(struct listing *listing) {
    bs_buffer_fill(listing->buffer, ' ', indent_columns(listing));
}

static void print_call(struct listing *listing, size_t index) {
    const struct bs_event *event = &listing->trace->events[index];
    bs_buffer_line_end(listing->buffer);
    begin_line(listing);
    bs_title_frame(listing->buffer, listing->trace->codes[event->code].code, event->line);
    bs_buffer_line_end(listing->buffer);
}

static void print_exception(struct listing *listing, size_t index) {
    bs_buffer_line_end(listing->buffer);
    begin_line(listing);
    bs_title_raised(listing->buffer,
                    bs_trace_raised(listing->trace, listing->trace->events[index].text).type);
    bs_buffer_line_end(listing->buffer);
}

static void print_line(struct listing *listing, size_t index) {
    begin_line(listing);
    bs_buffer_style(listing->buffer, BS_STYLE_DIM);
    bs_buffer_text(listing->buffer, "// >>> ");
    bs_buffer_style(listing->buffer, BS_STYLE_SOURCE);
    bs_buffer_clean(listing->buffer,
                    bs_trace_source(listing->trace, &listing->trace->events[index]));
    bs_buffer_line_end(listing->buffer);
}

static void print_native_tree(struct listing *listing) {
    _cleanup_call_rows_ struct bs_call_rows rows = native_rows(listing);
    bs_call_rows_render(listing->trace, &rows, indent_columns(listing) + INDENT_COLUMNS,
                        listing->buffer);
}

static void print_opcode(struct listing *listing, size_t index) {
    struct bs_row_place place = bs_rows_get(&listing->rows, index);
    listing->cell.index = index;
    begin_line(listing);
    bs_rows_append(&listing->rows, place, listing->buffer);
    print_columns(listing, indent_columns(listing) + (long)place.columns);
    bs_buffer_line_end(listing->buffer);
    if (has_native(listing, BS_LISTING_NATIVE_TREE))
        print_native_tree(listing);
}

/* The end of a frame; in a profile with the time of all that ran in it. */
static void print_return(struct listing *listing, size_t index) {
    begin_line(listing);
    bs_title_end(listing->buffer);
    if (listing->timed) {
        long gap = listing->row_columns - indent_columns(listing) - BS_TITLE_COLUMNS;
        bs_buffer_fill(listing->buffer, ' ', (gap > 0 ? gap : 0) + COLUMN_GAP);
        print_time_value(listing, listing->frame_ns[listing->shown], listing->timing.resolution_ns);
    }
    bs_buffer_line_end(listing->buffer);
    bs_buffer_line_end(listing->buffer);
}

static void print_stop(struct listing *listing, size_t index) {
}

static void (*const printers[])(struct listing *listing, size_t index) = {
    [BS_EVENT_CALL] = print_call,           [BS_EVENT_LINE] = print_line,
    [BS_EVENT_OPCODE] = print_opcode,       [BS_EVENT_RETURN] = print_return,
    [BS_EVENT_EXCEPTION] = print_exception, [BS_EVENT_STOP] = print_stop,
};

static void fill_cell(struct listing *listing, size_t index) {
    struct cell *cell = &listing->cell;
    struct bs_time time;
    *cell = (struct cell){.index = index};
    cell->timed = bs_timing_event(&listing->timing, listing->trace, index, &time);
    if (cell->timed) {
        cell->time_ns = time.ns[listing->options->statistic];
        /* It may be known better than the digits, which are for what is usual, can tell. */
        cell->resolution_ns = fmax(time.resolution_ns, bs_fixed_least(listing->timing.decimals));
    }
    listing->frame_ns[listing->shown] += cell->time_ns;
}

static struct bs_error *open_frame(struct listing *listing) {
    double *frames =
        bs_grow(listing->frame_ns, listing->shown, &listing->frame_capacity, sizeof(*frames));
    if (!frames)
        return &bs_enomem;
    listing->frame_ns = frames;
    frames[listing->shown] = 0;
    return NULL;
}

/* Bring the state of the listing to event number @p index; leave_event() goes after it. */
static struct bs_error *enter_event(struct listing *listing, size_t index) {
    const struct bs_event *event = &listing->trace->events[index];
    listing->shown = bs_depth_enter(&listing->depth, event);
    if (!listing->timed)
        return NULL;
    enum bs_timed timed = bs_trace_timed(listing->trace, index, &listing->above);
    if (event->kind == BS_EVENT_OPCODE)
        fill_cell(listing, index);
    listing->cell.with_above = timed == BS_TIMED_WITH_ABOVE;
    return event->kind == BS_EVENT_CALL ? open_frame(listing) : NULL;
}

static void leave_event(struct listing *listing, size_t index) {
    const struct bs_event *event = &listing->trace->events[index];
    bs_depth_leave(&listing->depth, event);
    if (listing->timed && event->kind == BS_EVENT_RETURN && listing->shown)
        listing->frame_ns[listing->shown - 1] += listing->frame_ns[listing->shown];
}

static struct bs_error *rewind_events(struct listing *listing) {
    listing->depth = listing->shown = 0;
    listing->above = NULL;
    return open_frame(listing);
}

static void widen(long *columns, long wanted) {
    if (*columns < wanted)
        *columns = wanted;
}

/* The widths of the columns, and what is a long time, from all that will be printed. */
static struct bs_error *measure(struct listing *listing) {
    const int decimals = listing->timing.decimals;
    double longest_ns = 0, least_ns = listing->timing.resolution_ns, sum_ns = 0, count = 0;
    struct bs_error *err = rewind_events(listing);
    listing->row_columns = ROW_COLUMNS_MIN;
    for (size_t i = 0; i < listing->end && !err; i++) {
        err = enter_event(listing, i);
        if (err)
            break; /* there is no frame_ns for it */
        if (listing->trace->events[i].kind == BS_EVENT_OPCODE && i >= listing->first) {
            long columns = indent_columns(listing) + (long)bs_rows_get(&listing->rows, i).columns;
            if (columns <= ROW_COLUMNS_MAX)
                widen(&listing->row_columns, columns);
            sum_ns += listing->cell.time_ns;
            count += listing->cell.timed;
            if (listing->cell.time_ns < listing->cell.resolution_ns)
                least_ns = fmax(least_ns, listing->cell.resolution_ns);
        }
        longest_ns = fmax(longest_ns, listing->frame_ns[listing->shown]);
        leave_event(listing, i);
    }
    long columns = bs_fixed_columns(least_ns, decimals) + 1;
    widen(&columns, bs_fixed_columns(longest_ns, decimals));
    listing->time_columns = (int)columns;
    listing->number_columns = bs_fixed_columns((double)listing->end, 0);
    listing->hot_ns = count ? HOT_FACTOR * sum_ns / count : INFINITY;
    return err;
}

static void print_heading(struct listing *listing) {
    struct bs_buffer *buffer = listing->buffer;
    bs_buffer_style(buffer, BS_STYLE_TITLE);
    bs_buffer_text(buffer, "//// Trace of `");
    bs_buffer_clean(buffer, bs_trace_name(listing->trace));
    bs_buffer_char(buffer, '`');
    bs_range_print(buffer, listing->trace, listing->first, listing->end);
    bs_buffer_text(buffer, " :");
    bs_buffer_line_end(listing->buffer);
    if (listing->first >= listing->end)
        return;
    /* Titles make room for themselves. */
    uint32_t kind = listing->trace->events[listing->first].kind;
    if (kind != BS_EVENT_CALL && kind != BS_EVENT_EXCEPTION)
        bs_buffer_line_end(listing->buffer);
}

static void print_native_alone(struct listing *listing) {
    _cleanup_call_rows_ struct bs_call_rows rows = {};
    if (listing->options->native == BS_LISTING_NATIVE_NONE)
        return;
    bs_buffer_fail(listing->buffer, bs_call_rows_alone(listing->trace, &rows));
    if (!rows.count)
        return;
    if (listing->options->native == BS_LISTING_NATIVE_TREE) {
        bs_call_rows_render(listing->trace, &rows, INDENT_COLUMNS, listing->buffer);
        return;
    }
    bs_call_rows_cell(&rows, listing->buffer);
    bs_buffer_line_end(listing->buffer);
}

/* What has yet to run when CALL returns it, and how it comes to. */
static const struct {
    const char *type, *text;
} deferred[] = {
    {"generator", "a generator, whose code runs when it is iterated: list(CALL)"},
    {"coroutine", "a coroutine, whose code runs when it is awaited: asyncio:run(CALL)"},
    {"async_generator", "an asynchronous generator, whose code runs in `async for`"},
};

static bool print_deferred(struct listing *listing) {
    const struct bs_trace *trace = listing->trace;
    if (trace->header->outcome != BS_OUTCOME_RETURNED)
        return false;
    const struct bs_text type = bs_trace_text(trace, trace->header->outcome_text);
    for (size_t i = 0; i < sizeof(deferred) / sizeof(deferred[0]); i++) {
        if (!bs_text_equal(type, bs_text_of(deferred[i].type)))
            continue;
        bs_buffer_text(listing->buffer, "// no line of it ran: it returned ");
        bs_buffer_text(listing->buffer, deferred[i].text);
        bs_buffer_line_end(listing->buffer);
        return true;
    }
    return false;
}

/* A CALL of something written in C alone has no events but its end. */
static void print_no_bytecode(struct listing *listing) {
    const struct bs_trace *trace = listing->trace;
    if (trace->event_count != 1 || trace->events[0].kind != BS_EVENT_STOP ||
        print_deferred(listing))
        return;
    const struct bs_raised why = bs_trace_raised(trace, trace->header->outcome_text);
    const bool raised = trace->header->outcome == BS_OUTCOME_RAISED;
    bs_buffer_text(listing->buffer, "// no bytecode ran: all of it is C, and it ");
    bs_buffer_text(listing->buffer, raised ? "raised " : "returned");
    if (raised)
        bs_buffer_clean(listing->buffer, why.type);
    if (raised && why.message.length) {
        bs_buffer_text(listing->buffer, ": ");
        bs_buffer_clean(listing->buffer, why.message);
    }
    bs_buffer_line_end(listing->buffer);
}

/* What a reader would not see from the events: that there are more of them. */
static void print_ending(struct listing *listing) {
    struct bs_trace_cut cut;
    if (!bs_trace_is_cut(listing->trace, &cut) || listing->end < listing->trace->event_count)
        return;
    bs_buffer_style(listing->buffer, BS_STYLE_ERROR);
    bs_buffer_text(listing->buffer, "// ... and ");
    bs_buffer_count(listing->buffer, cut.seen - cut.kept, 0);
    bs_buffer_text(listing->buffer, cut.seen - cut.kept == 1
                                        ? " more event, which was not kept: "
                                        : " more events, which were not kept: ");
    if (cut.full) {
        bs_buffer_text(listing->buffer, "the room for code and texts is full");
    } else {
        bs_buffer_text(listing->buffer, "--max-events is ");
        bs_buffer_count(listing->buffer, cut.kept, 0);
    }
    bs_buffer_line_end(listing->buffer);
}

static struct bs_error *print_all(struct listing *listing) {
    struct bs_error *err = rewind_events(listing);
    print_heading(listing);
    for (size_t i = 0; i < listing->end && !err && !listing->buffer->error; i++) {
        const struct bs_event *event = &listing->trace->events[i];
        err = enter_event(listing, i);
        if (!err && i >= listing->first)
            printers[event->kind](listing, i);
        leave_event(listing, i);
    }
    print_no_bytecode(listing);
    print_native_alone(listing);
    print_ending(listing);
    return err;
}

struct bs_error *bs_listing_render(const struct bs_trace *trace,
                                   const struct bs_listing_options *options,
                                   struct bs_buffer *buffer) {
    struct listing listing = {.trace = trace, .options = options, .buffer = buffer};
    struct bs_error *err =
        bs_range_find(trace, options->first, options->last, &listing.first, &listing.end);
    if (err)
        return err;
    err = bs_rows_init(trace, options->adaptive, bs_row_render, &listing.rows);
    if (err)
        return err;
    bs_timing_init(trace, &listing.timing);
    listing.timed = listing.timing.timed && !options->no_times;
    if (listing.timed && !options->no_header) {
        bs_listing_statistics(trace, options->statistic, buffer);
        bs_buffer_line_end(buffer);
    }
    if (listing.timed)
        err = measure(&listing);
    if (!err)
        err = print_all(&listing);
    if (!err)
        err = bs_buffer_status(&listing.rows.text);
    free(listing.frame_ns);
    bs_rows_deinit(&listing.rows);
    return err;
}
