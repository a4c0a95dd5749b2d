#include "core/labels.h"
#include "core/listing.h"
#include "core/notes.h"
#include "core/number.h"
#include "core/text.h"
#include "core/timing.h"

#include <math.h>
#include <string.h>

#define LABEL_COLUMNS    20
#define DURATION_COLUMNS 13
#define ENTRY_PART       0.01

/* The numbers of one profile that several lines need. */
struct statistics {
    const struct bs_trace *trace;
    const struct bs_image_header *header;
    struct bs_timing timing;
    enum bs_statistic statistic;
    struct bs_buffer *buffer;
    double events, opcodes; /* of one run, recorded or not */
};

static void begin(struct statistics *statistics, const char *label) {
    struct bs_buffer *buffer = statistics->buffer;
    bs_buffer_style(buffer, BS_STYLE_DIM);
    bs_buffer_text(buffer, "//   ");
    size_t start = buffer->length;
    bs_buffer_text(buffer, label);
    bs_buffer_style(buffer, BS_STYLE_PLAIN);
    bs_buffer_fill(buffer, ' ', LABEL_COLUMNS - (long)(buffer->length - start));
}

static void blank(struct statistics *statistics) {
    bs_buffer_style(statistics->buffer, BS_STYLE_DIM);
    bs_buffer_text(statistics->buffer, "//");
    bs_buffer_line_end(statistics->buffer);
}

static void count(struct statistics *statistics, uint64_t value, const char *after) {
    bs_buffer_count(statistics->buffer, value, 0);
    bs_buffer_text(statistics->buffer, after);
}

/* "1 repeat", "2 repeats" */
static void plural(struct statistics *statistics, uint64_t value, const char *one) {
    bs_buffer_count(statistics->buffer, value, 0);
    bs_buffer_char(statistics->buffer, ' ');
    bs_buffer_text(statistics->buffer, one);
    bs_buffer_text(statistics->buffer, bs_plural(value));
}

static void nanoseconds(struct statistics *statistics, double ns, int decimals, const char *after) {
    bs_buffer_fixed(statistics->buffer, ns, decimals, 0);
    bs_buffer_text(statistics->buffer, " ns");
    bs_buffer_text(statistics->buffer, after);
}

/* It knows what it takes at each place, and times whole runs in the moments of all else. */
static bool is_probe(const struct statistics *statistics) {
    return statistics->header->engine == BS_ENGINE_PROBE;
}

/* The durations of a run: the run itself, then each event's and each opcode's share of it. */
static double uninstrumented(const struct statistics *statistics) {
    return statistics->header->uninstrumented_ns;
}

static double instrumented(const struct statistics *statistics) {
    return statistics->header->instrumented_ns;
}

/* What the probe takes off all times is more than a run has of it: of most it times a part. */
static double opcode_overhead(const struct statistics *statistics) {
    double overhead_ns = statistics->timing.cost_sum_ns;
    if (is_probe(statistics))
        overhead_ns = fmin(overhead_ns, instrumented(statistics) - uninstrumented(statistics));
    return fmax(0, overhead_ns);
}

static double remaining_overhead(const struct statistics *statistics) {
    return fmax(0, instrumented(statistics) - uninstrumented(statistics) -
                       opcode_overhead(statistics));
}

static double elapsed(const struct statistics *statistics) {
    return statistics->header->elapsed_ns;
}

static void note_uninstrumented(struct statistics *statistics) {
    const bool all = statistics->header->flags & BS_IMAGE_DIVERGED;
    const bool fast = is_probe(statistics) && !all;
    bs_buffer_text(statistics->buffer, fast  ? "in fast moments; before, "
                                       : all ? "mean of "
                                             : "fastest of ");
    plural(statistics, statistics->header->uninstrumented_repeats, "run");
    bs_buffer_text(statistics->buffer, fast ? " had a median of " : ", median ");
    bs_buffer_duration(statistics->buffer, statistics->header->uninstrumented_median_ns, 0);
}

static void note_instrumented(struct statistics *statistics) {
    if (uninstrumented(statistics) <= 0)
        return;
    bs_buffer_fixed(statistics->buffer, instrumented(statistics) / uninstrumented(statistics), 1,
                    0);
    bs_buffer_text(statistics->buffer, " times as long");
}

static void note_opcode_overhead(struct statistics *statistics) {
    nanoseconds(statistics, statistics->timing.overhead_ns, 2, "");
    if (is_probe(statistics)) {
        bs_buffer_text(statistics->buffer, " taken off each time on the average");
        if (statistics->header->flags & BS_IMAGE_PATTERNED)
            bs_buffer_text(statistics->buffer, "; most repeats time one opcode in seven");
        return;
    }
    bs_buffer_text(statistics->buffer, " +- ");
    nanoseconds(statistics, bs_timing_deviation(statistics->header->overhead_spread_ns, 0), 2,
                " taken off each time");
}

static void note_remaining_overhead(struct statistics *statistics) {
    bs_buffer_text(statistics->buffer, "of tracing, in no opcode's time");
}

static void note_elapsed(struct statistics *statistics) {
    bs_buffer_text(statistics->buffer, "for all of it, warm-up and repeats included");
}

static const struct duration {
    const char *label;
    double (*run_ns)(const struct statistics *statistics);
    void (*note)(struct statistics *statistics);
} durations[] = {
    {"uninstrumented", uninstrumented, note_uninstrumented},
    {"instrumented", instrumented, note_instrumented},
    {"opcode overhead", opcode_overhead, note_opcode_overhead},
    {"remaining overhead", remaining_overhead, note_remaining_overhead},
    {"elapsed", elapsed, note_elapsed},
};

static void print_duration(struct statistics *statistics, const struct duration *duration) {
    double run_ns = duration->run_ns(statistics);
    begin(statistics, duration->label);
    bs_buffer_style(statistics->buffer, BS_STYLE_TIME);
    bs_buffer_duration(statistics->buffer, run_ns, DURATION_COLUMNS);
    bs_buffer_duration(statistics->buffer, run_ns / fmax(1, statistics->events), DURATION_COLUMNS);
    if (statistics->opcodes > 0)
        bs_buffer_duration(statistics->buffer, run_ns / statistics->opcodes, DURATION_COLUMNS);
    else
        bs_buffer_fill(statistics->buffer, ' ', DURATION_COLUMNS);
    bs_buffer_style(statistics->buffer, BS_STYLE_PLAIN);
    bs_buffer_text(statistics->buffer, "   ");
    duration->note(statistics);
    bs_buffer_line_end(statistics->buffer);
}

static void print_durations(struct statistics *statistics) {
    static const char *const titles[] = {"one run", "per event", "per opcode"};
    begin(statistics, "");
    for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++) {
        bs_buffer_fill(statistics->buffer, ' ',
                       DURATION_COLUMNS - (long)bs_text_columns(titles[i], strlen(titles[i])));
        bs_buffer_text(statistics->buffer, titles[i]);
    }
    bs_buffer_line_end(statistics->buffer);
    for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++)
        print_duration(statistics, &durations[i]);
}

static void print_recorded(struct statistics *statistics) {
    begin(statistics, "recorded");
    plural(statistics, statistics->trace->event_count, "event");
    bs_buffer_text(statistics->buffer, ", ");
    count(statistics, statistics->trace->opcode_count, " of them opcodes");
    bs_buffer_line_end(statistics->buffer);
}

static void print_times(struct statistics *statistics) {
    const struct bs_timing *timing = &statistics->timing;
    begin(statistics, "times");
    bs_buffer_text(statistics->buffer, bs_statistic_label(statistics->statistic));
    bs_buffer_text(statistics->buffer, " over ");
    plural(statistics, statistics->header->repeats, "repeat");
    bs_buffer_text(statistics->buffer, " after ");
    plural(statistics, statistics->header->warmups, "warm-up");
    bs_buffer_text(statistics->buffer, "; typically uncertain by ");
    nanoseconds(statistics, timing->uncertainty_ns, timing->decimals > 0 ? timing->decimals : 1,
                "");
    bs_buffer_line_end(statistics->buffer);
}

static void print_scale(struct statistics *statistics) {
    begin(statistics, "scale");
    if (statistics->timing.scaled) {
        bs_buffer_fixed(statistics->buffer, statistics->timing.scale, 3, 0);
        bs_buffer_text(statistics->buffer, ": the times added up to ");
    } else {
        bs_buffer_text(statistics->buffer,
                       statistics->timing.whole
                           ? "none: without the overhead the times add up to "
                           : "none: the times are not of the whole run, they add up to ");
    }
    bs_buffer_duration(statistics->buffer, statistics->timing.sum_ns, 0);
    if (statistics->timing.scaled) {
        bs_buffer_text(statistics->buffer, ", and were scaled to ");
        bs_buffer_duration(statistics->buffer, uninstrumented(statistics), 0);
    }
    bs_buffer_line_end(statistics->buffer);
}

/* Where the way into the interpreter is a good part of the run. */
static void print_entry(struct statistics *statistics) {
    const double entry_ns = statistics->header->entry_ns;
    if (entry_ns < ENTRY_PART * uninstrumented(statistics) || entry_ns <= 0)
        return;
    begin(statistics, "entry");
    bs_buffer_duration(statistics->buffer, entry_ns, 0);
    bs_buffer_text(statistics->buffer, " of the first opcode's time passed before it began, on the "
                                       "way from the call into the interpreter");
    bs_buffer_line_end(statistics->buffer);
}

static void print_aftermath(struct statistics *statistics) {
    const double percent = statistics->header->aftermath_ppm / 1e4;
    if (percent <= 0)
        return;
    begin(statistics, "aftermath");
    bs_buffer_fixed(statistics->buffer, percent, 1, 0);
    bs_buffer_text(statistics->buffer, " % of an opcode's time is what those after it waited for "
                                       "it, and is not in theirs");
    bs_buffer_line_end(statistics->buffer);
}

static void print_engine(struct statistics *statistics) {
    const struct bs_image_header *header = statistics->header;
    begin(statistics, "engine");
    bs_buffer_text(statistics->buffer, bs_engine_label(header->engine));
    bs_buffer_text(statistics->buffer, header->flags & BS_IMAGE_ISOLATED
                                           ? ", in a clone of the process"
                                           : ", in the process itself");
    struct bs_text why = bs_trace_text(statistics->trace, header->engine_text);
    if (why.length) {
        bs_buffer_text(statistics->buffer, "; ");
        bs_buffer_clean(statistics->buffer, why);
    }
    bs_buffer_line_end(statistics->buffer);
}

static void print_clock(struct statistics *statistics) {
    const struct bs_image_header *header = statistics->header;
    begin(statistics, "clock");
    bs_buffer_text(statistics->buffer, bs_clock_label(header->clock));
    bs_buffer_text(statistics->buffer, " at ");
    bs_buffer_fixed(statistics->buffer, (double)header->clock_hz / 1e6, 1, 0);
    bs_buffer_text(statistics->buffer, " MHz, shows steps of ");
    nanoseconds(statistics, header->clock_step_ns, 2, "");
    bs_buffer_line_end(statistics->buffer);
}

static void print_walk(struct statistics *statistics) {
    if (!statistics->trace->walk)
        return;
    begin(statistics, "C functions");
    count(statistics, statistics->header->walked_instructions,
          statistics->trace->opcode_count
              ? " machine instructions; beside each opcode its own, and the way to where most ran"
              : " machine instructions; below, the way to where most ran");
    bs_buffer_line_end(statistics->buffer);
}

static void print_marks(struct statistics *statistics) {
    begin(statistics, "marks");
    bs_buffer_text(statistics->buffer,
                   "^ ran as one with the opcode above, < less than can be told "
                   "from nothing, #N for show --event N");
    bs_buffer_line_end(statistics->buffer);
}

static void print_notes(struct statistics *statistics) {
    struct bs_notes notes;
    bs_notes_init(statistics->trace, BS_NOTES_OF_TIMES | BS_NOTES_OF_CALLS, &notes);
    while (bs_notes_next(&notes)) {
        begin(statistics, "note");
        bs_notes_print(&notes, statistics->buffer);
        bs_buffer_line_end(statistics->buffer);
    }
}

static void print_title(struct statistics *statistics) {
    struct bs_buffer *buffer = statistics->buffer;
    bs_buffer_style(buffer, BS_STYLE_TITLE);
    bs_buffer_text(buffer, "//// Profile of `");
    bs_buffer_clean(buffer, bs_trace_text(statistics->trace, statistics->header->target_text));
    bs_buffer_text(buffer, "` on CPython ");
    bs_buffer_python(buffer, statistics->header->python);
    bs_buffer_text(buffer, " :");
    bs_buffer_line_end(statistics->buffer);
}

static void (*const lines[])(struct statistics *statistics) = {
    print_title, blank,       print_durations, blank,           print_recorded,
    print_times, print_scale, print_entry,     print_aftermath, print_engine,
    print_clock, print_walk,  print_marks,     print_notes,
};

void bs_listing_statistics(const struct bs_trace *trace, enum bs_statistic statistic,
                           struct bs_buffer *buffer) {
    struct statistics statistics = {
        .trace = trace,
        .header = trace->header,
        .statistic = statistic,
        .buffer = buffer,
        .events = fmax((double)trace->event_count, (double)trace->header->events_seen),
        .opcodes = (double)trace->opcode_count,
    };
    bs_timing_init(trace, &statistics.timing);
    if (!statistics.timing.timed)
        return;
    /* Where events were lost, counts are of all that ran. */
    if (trace->counts && trace->header->flags & BS_IMAGE_EVENTS_LOST)
        statistics.opcodes = statistics.timing.executions;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        lines[i](&statistics);
}
