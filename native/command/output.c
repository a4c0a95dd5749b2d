#include "command/output.h"

#include "command/words.h"
#include "core/call_sums.h"
#include "core/file.h"
#include "core/json.h"
#include "core/listing.h"
#include "core/notes.h"
#include "core/number.h"
#include "core/range.h"
#include "core/summary.h"
#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* "~/x" in the user's home; everything else as it is. */
static struct bs_error *expand(const char *path, char **ret) {
    const char *home = path[0] == '~' && path[1] == '/' ? getenv("HOME") : NULL;
    int length = home ? asprintf(ret, "%s%s", home, path + 1) : asprintf(ret, "%s", path);
    return length < 0 ? &bs_enomem : NULL;
}

struct bs_error *bs_output_path(const struct bs_verb *verb, const char *operand, char **ret) {
    _cleanup_words_ struct bs_words words = {};
    struct bs_error *error = bs_words_init(verb->name, operand, &words);
    if (error)
        return error;
    if (words.unclosed < words.count)
        return bs_error_create(BS_ERROR_USAGE, "the quote in %s is not closed", operand);
    if (words.count > 2)
        return bs_error_create(BS_ERROR_USAGE,
                               "%s takes one file name; put quotes around one that has blanks",
                               verb->name);
    if (!words.items[1][0])
        return bs_error_create(BS_ERROR_USAGE, "%s needs the name of a file between the quotes",
                               verb->name);
    return expand(words.items[1], ret);
}

struct bs_error *bs_output_line(const struct bs_command *command, const char *format, ...) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    _cleanup_free_ char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) {
        text = NULL;
        return &bs_enomem;
    }
    bs_command_sink(command, &buffer);
    bs_buffer_clean(&buffer, (struct bs_text){text, (size_t)length});
    bs_buffer_char(&buffer, '\n');
    return bs_buffer_status(&buffer);
}

struct bs_error *bs_output_save(const struct bs_command *command, const struct bs_trace *trace,
                                const char *path) {
    _cleanup_free_ char *full = NULL;
    struct bs_error *error = expand(path, &full);
    if (!error)
        error = bs_file_save(trace, full);
    return error ? error
                 : bs_output_line(command, "Saved %zu event%s to %s", trace->event_count,
                                  bs_plural(trace->event_count), full);
}

static struct bs_error *not_interrupted(void *arg) {
    const struct bs_host *host = arg;
    return host->interrupted(host->arg) ? &bs_interrupted : NULL;
}

static struct bs_error *write_json(const struct bs_command *command, const struct bs_trace *trace) {
    _cleanup_free_ char *full = NULL;
    struct bs_error *error = expand(command->options.json, &full);
    if (!error)
        error = bs_json_save(trace, full, not_interrupted, (void *)command->host);
    return error ? error
                 : bs_output_line(command, "Wrote %zu event%s as JSON to %s", trace->event_count,
                                  bs_plural(trace->event_count), full);
}

/* The C functions, where they were walked. */
static struct bs_error *render_native(const struct bs_options *options,
                                      const struct bs_trace *trace, struct bs_buffer *buffer) {
    size_t first, end;
    struct bs_notes notes;
    struct bs_error *error =
        bs_range_find(trace, options->range.first, options->range.last, &first, &end);
    if (error || !trace->walk)
        return error;
    bs_buffer_char(buffer, '\n');
    error = bs_call_sums_render(trace, first, end, buffer);
    bs_notes_init(trace, BS_NOTES_OF_CALLS, &notes);
    while (bs_notes_next(&notes)) {
        bs_buffer_text(buffer, "// ");
        bs_notes_print(&notes, buffer);
        bs_buffer_char(buffer, '\n');
    }
    return error;
}

static struct bs_error *render_summary(const struct bs_options *options,
                                       const struct bs_trace *trace, struct bs_buffer *buffer) {
    static const enum bs_summary_key keys[] = {
        [BS_BY_OPCODE] = BS_SUMMARY_OPCODE,
        [BS_BY_FAMILY] = BS_SUMMARY_FAMILY,
        [BS_BY_LINE] = BS_SUMMARY_LINE,
        [BS_BY_FUNCTION] = BS_SUMMARY_FUNCTION,
    };
    struct bs_summary_options summary = {
        .key = keys[options->by],
        .first = options->range.first,
        .last = options->range.last,
        .statistic = options->stats,
    };
    struct bs_error *error = bs_summary_render(trace, &summary, buffer);
    if (!error && options->by == BS_BY_FUNCTION && options->native != BS_NATIVE_NONE)
        error = render_native(options, trace, buffer);
    return error;
}

static struct bs_error *render_listing(const struct bs_options *options,
                                       const struct bs_trace *trace, struct bs_buffer *buffer) {
    static const enum bs_listing_native natives[] = {
        [BS_NATIVE_NONE] = BS_LISTING_NATIVE_NONE,
        [BS_NATIVE_LEAF] = BS_LISTING_NATIVE_LEAF,
        [BS_NATIVE_TREE] = BS_LISTING_NATIVE_TREE,
    };
    struct bs_listing_options listing = {
        .first = options->range.first,
        .last = options->range.last,
        .statistic = options->stats,
        .native = natives[options->native],
        .adaptive = trace->header->flags & BS_IMAGE_ADAPTIVE,
    };
    return bs_listing_render(trace, &listing, buffer);
}

static struct bs_error *print_trace(const struct bs_command *command,
                                    const struct bs_trace *trace) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    const struct bs_options *options = &command->options;
    bs_command_sink(command, &buffer);
    struct bs_error *error;
    if (options->event)
        error = bs_listing_event(trace, options->event, &buffer);
    else if (options->by != BS_BY_EVENT)
        error = render_summary(options, trace, &buffer);
    else
        error = render_listing(options, trace, &buffer);
    if (!error && command->verb->bit == BS_VERB_SHOW && options->native == BS_NATIVE_TREE &&
        options->by == BS_BY_EVENT && !trace->walk)
        bs_buffer_text(&buffer,
                       "// it has no C functions: `bytesight profile` looks for them, in a "
                       "clone and without --no-native\n");
    return error ? error : bs_buffer_status(&buffer);
}

struct bs_error *bs_output_trace(const struct bs_command *command, const struct bs_trace *trace) {
    struct bs_error *error = NULL;
    if (!command->options.json)
        error = print_trace(command, trace);
    else
        error = write_json(command, trace);
    if (!error && command->options.save)
        error = bs_output_save(command, trace, command->options.save);
    return error;
}
