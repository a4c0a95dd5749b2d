#include "command/outcome.h"

#include "core/number.h"
#include "core/text.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

/* The signals that processes die of; `crash`: by a fault of their own. */
static const struct {
    int number;
    bool crash;
    const char *name;
} signals[] = {
    {SIGSEGV, true, "SIGSEGV"},  {SIGABRT, true, "SIGABRT"},  {SIGBUS, true, "SIGBUS"},
    {SIGFPE, true, "SIGFPE"},    {SIGILL, true, "SIGILL"},    {SIGTRAP, true, "SIGTRAP"},
    {SIGSYS, true, "SIGSYS"},    {SIGKILL, false, "SIGKILL"}, {SIGTERM, false, "SIGTERM"},
    {SIGINT, false, "SIGINT"},   {SIGHUP, false, "SIGHUP"},   {SIGQUIT, false, "SIGQUIT"},
    {SIGPIPE, false, "SIGPIPE"}, {SIGALRM, false, "SIGALRM"}, {SIGUSR1, false, "SIGUSR1"},
    {SIGUSR2, false, "SIGUSR2"}, {SIGXCPU, false, "SIGXCPU"},
};

static void append_signal(int number, struct bs_buffer *buffer) {
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (signals[i].number == number) {
            bs_buffer_format(buffer, " %s %s", signals[i].crash ? "crashed with" : "was killed by",
                             signals[i].name);
            return;
        }
    }
    bs_buffer_format(buffer, " was killed by signal %d", number);
}

static bool append_symbol(void *arg, const struct bs_symbol_info *symbol) {
    struct bs_buffer *buffer = arg;
    const char *module = symbol->module ? basename(symbol->module) : NULL;
    if (symbol->function)
        bs_buffer_format(buffer, " in %s", symbol->function);
    else if (module)
        bs_buffer_format(buffer, " in %s+0x%" PRIx64, module, symbol->offset_bytes);
    if (symbol->function && symbol->file && symbol->line)
        bs_buffer_format(buffer, " (%s:%" PRIu32 ")", symbol->file, symbol->line);
    else if (symbol->function && module)
        bs_buffer_format(buffer, " (%s)", module);
    return false; /* the innermost function is enough */
}

/* " in long_add (longobject.c:3760)" for a C address; nothing when it is not known. */
static void append_place(const struct bs_host *host, uint64_t addr, struct bs_buffer *buffer) {
    if (addr)
        bs_error_destroy(host->describe(host->arg, addr, append_symbol, buffer));
}

/* The line that @p event is on; BS_NO_LINE: none, or it is of another kind. */
static uint32_t line_of(const struct bs_trace *trace, const struct bs_event *event) {
    switch (event->kind) {
    case BS_EVENT_CALL:
    case BS_EVENT_LINE:
        return event->line;
    case BS_EVENT_OPCODE:
        return bs_trace_instruction(trace, event)->line;
    default:
        return BS_NO_LINE;
    }
}

/* The last event with a line of a frame that has not been left, or of any; NULL: none has one. */
static const struct bs_event *find_last(const struct bs_trace *trace) {
    const struct bs_event *of_any = NULL;
    size_t left = 0;
    for (size_t i = trace->event_count; i--;) {
        const struct bs_event *event = &trace->events[i];
        const bool has_line = line_of(trace, event) != BS_NO_LINE;
        if (has_line && !left)
            return event;
        if (has_line && !of_any)
            of_any = event;
        if (event->kind == BS_EVENT_RETURN)
            left++;
        else if (event->kind == BS_EVENT_CALL && left)
            left--;
    }
    return of_any;
}

/* " after 12 events, at app.py:6 in hot", or what is known of 12 of which 3 were kept. */
static void append_progress(const struct bs_trace *trace, struct bs_buffer *buffer) {
    if (!trace || !trace->event_count)
        return;
    struct bs_trace_cut cut;
    const bool is_cut = bs_trace_is_cut(trace, &cut);
    const uint64_t seen = is_cut ? cut.seen : trace->event_count;
    bs_buffer_format(buffer, " after %" PRIu64 " event%s", seen, bs_plural(seen));
    if (is_cut)
        bs_buffer_format(buffer, ", of which the first %" PRIu64 " were kept", cut.kept);
    const struct bs_event *last = find_last(trace);
    if (!last)
        return;
    const struct bs_code *code = trace->codes[last->code].code;
    bs_buffer_text(buffer, is_cut ? ", the last of them at " : ", at ");
    bs_buffer_clean(buffer, code->filename);
    bs_buffer_format(buffer, ":%" PRIu32 " in ", line_of(trace, last));
    bs_buffer_clean(buffer, code->qualname);
}

/* ": prog: f.c:12: f: Assertion `x' failed", or what a sanitizer found. */
static void append_last_words(const struct bs_image_header *header, const struct bs_trace *trace,
                              struct bs_buffer *buffer) {
    struct bs_text text = trace ? bs_trace_text(trace, header->outcome_text) : (struct bs_text){};
    while (text.length && strchr(".\n", text.data[text.length - 1]))
        text.length--;
    if (text.length)
        bs_buffer_text(buffer, ": ");
    bs_buffer_clean(buffer, text);
}

/* What remains to be said when CALL took its process with it. */
static struct bs_error *finish(struct bs_buffer *buffer, const struct bs_image_header *header,
                               const struct bs_trace *trace) {
    if (header->flags & BS_IMAGE_DISPLAY)
        bs_buffer_text(buffer, "; if it uses the display, which a copy of the process must not, "
                               "use --in-process");
    if (header->flags & BS_IMAGE_ISOLATED)
        bs_buffer_text(buffer, "; the debugged process is unharmed");
    if (header->flags & BS_IMAGE_CONNECTED)
        bs_buffer_text(buffer, ", but have it close a connection over which CALL was talking: it "
                               "would take what comes there for an answer to itself");
    if (trace && trace->event_count)
        bs_buffer_text(buffer, "; `bytesight show` prints what was recorded");
    return bs_error_create(BS_ERROR_TARGET, "%.*s", (int)buffer->length, buffer->data);
}

static struct bs_error *message(const struct bs_image_header *header, const struct bs_trace *trace,
                                const char *otherwise) {
    struct bs_text text = trace ? bs_trace_text(trace, header->outcome_text) : (struct bs_text){};
    return bs_error_create(BS_ERROR_TARGET, "%.*s",
                           text.length ? (int)text.length : (int)strlen(otherwise),
                           text.length ? text.data : otherwise);
}

struct bs_error *bs_outcome_error(const struct bs_command *command,
                                  const struct bs_image_header *header,
                                  const struct bs_trace *trace) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_buffer_text(&buffer, command->operand);
    switch (header->outcome) {
    case BS_OUTCOME_RETURNED:
    case BS_OUTCOME_RAISED:
        return NULL;
    case BS_OUTCOME_UNRESOLVED:
        return message(header, trace, "CALL could not be resolved");
    case BS_OUTCOME_REFUSED:
        return message(header, trace, "the agent refused to run CALL");
    case BS_OUTCOME_CRASHED:
        append_signal(header->outcome_number, &buffer);
        append_place(command->host, header->fault_addr, &buffer);
        append_progress(trace, &buffer);
        append_last_words(header, trace, &buffer);
        return finish(&buffer, header, trace);
    case BS_OUTCOME_EXITED:
        bs_buffer_format(&buffer, " ended its process with exit status %" PRId32,
                         header->outcome_number);
        append_place(command->host, header->fault_addr, &buffer);
        append_progress(trace, &buffer);
        append_last_words(header, trace, &buffer);
        return finish(&buffer, header, trace);
    case BS_OUTCOME_TIMED_OUT:
        bs_buffer_format(&buffer, " was still running after %g s and was stopped",
                         (double)command->options.timeout_ns / 1e9);
        append_progress(trace, &buffer);
        bs_buffer_text(&buffer, "; --timeout gives it longer");
        if (header->flags & BS_IMAGE_THREADS)
            bs_buffer_text(&buffer, "; if it waits for another thread of the process, use "
                                    "--in-process: the copy has no others");
        return finish(&buffer, header, trace);
    case BS_OUTCOME_INTERRUPTED:
        return &bs_interrupted;
    default:
        return bs_error_create(BS_ERROR_CORRUPT,
                               "the trace that came back is damaged: outcome %" PRIu32
                               " is not known",
                               header->outcome);
    }
}
