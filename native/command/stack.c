/*
 * The verb `stack`: the C and Python frames of a thread in one list, innermost first. Reads memory
 * only. What cannot be read says so, and the rest is printed.
 */
#include "command/stack.h"

#include "command/reading.h"
#include "command/session.h"
#include "command/thread_stack.h"
#include "core/grow.h"
#include "core/text.h"

#include <inttypes.h>
#include <string.h>

#define LABEL_COLUMNS 6 /* "#0    ", "[py]  " */

static struct bs_error *read_thread(const struct bs_reading *reading, int tid,
                                    struct bs_thread_stack *ret) {
    return bs_thread_stack_read(&reading->inferior, &reading->evaluator, &reading->threads, tid,
                                ret);
}

static void print_place(struct bs_buffer *buffer, struct bs_text file, uint32_t line) {
    bs_buffer_text(buffer, " at ");
    bs_buffer_styled(buffer, BS_STYLE_FILE, file);
    if (line && line != BS_NO_LINE)
        bs_buffer_format(buffer, ":%" PRIu32, line);
}

/* A line of its own that says what is missing. */
static void print_missing(struct bs_buffer *buffer, const char *what,
                          const struct bs_error *error) {
    if (!error)
        return;
    bs_buffer_fill(buffer, ' ', LABEL_COLUMNS);
    bs_buffer_style(buffer, BS_STYLE_ERROR);
    bs_buffer_format(buffer, "%s: ", what);
    bs_buffer_clean(buffer, bs_text_of(error->message));
    bs_buffer_line_end(buffer);
}

/* C frames are numbered as debuggers number them: inlined functions are frames too. */
struct native_printer {
    struct bs_buffer *buffer;
    uint64_t pc_addr;
    uint64_t back_bytes; /* from the pc to the address that was looked up */
    size_t number;
    bool is_evaluator;
};

static void print_number(struct native_printer *printer) {
    size_t start = printer->buffer->length;
    bs_buffer_format(printer->buffer, "#%zu", printer->number++);
    size_t used = printer->buffer->length - start;
    bs_buffer_fill(printer->buffer, ' ', LABEL_COLUMNS - (long)used);
    if (used >= LABEL_COLUMNS)
        bs_buffer_char(printer->buffer, ' ');
}

static bool print_symbol(void *arg, const struct bs_symbol_info *symbol) {
    struct native_printer *printer = arg;
    struct bs_buffer *buffer = printer->buffer;
    print_number(printer);
    if (symbol->function)
        bs_buffer_styled(buffer, printer->is_evaluator ? BS_STYLE_DIM : BS_STYLE_FUNCTION,
                         bs_text_of(symbol->function));
    else
        bs_buffer_format(buffer, "0x%016" PRIx64, printer->pc_addr);
    if (symbol->file) /* debuggers differ in how much of the path they tell */
        print_place(buffer, bs_text_of(basename(symbol->file)), symbol->line);
    else if (symbol->module) {
        bs_buffer_text(buffer, " from ");
        bs_buffer_styled(buffer, BS_STYLE_FILE, bs_text_of(basename(symbol->module)));
        bs_buffer_format(buffer, "+0x%" PRIx64, symbol->offset_bytes + printer->back_bytes);
    }
    bs_buffer_line_end(buffer);
    return true;
}

static struct bs_error *print_native(const struct bs_host *host, uint64_t pc_addr, size_t level,
                                     bool is_evaluator, struct native_printer *printer) {
    size_t number = printer->number;
    printer->pc_addr = pc_addr;
    printer->is_evaluator = is_evaluator;
    /* The pc of a caller is behind its call, maybe already in another line or function. */
    printer->back_bytes = level > 0;
    struct bs_error *error =
        host->describe(host->arg, pc_addr - printer->back_bytes, print_symbol, printer);
    if (error && error->code == BS_ERROR_INTERRUPTED)
        return error;
    if (printer->number == number)
        print_symbol(printer, &(struct bs_symbol_info){});
    print_missing(printer->buffer, "what is there is not known", error);
    bs_error_destroy(error);
    return NULL;
}

static const struct bs_instruction *instruction_of(const struct bs_decoded *code,
                                                   const struct bs_frame *frame) {
    if (frame->offset_units == BS_FRAME_NO_OFFSET)
        return NULL;
    return bs_instruction_at(&code->instructions, frame->offset_units);
}

/* "74 CALL_PY_EXACT_ARGS 1 (argument text)" */
static void print_instruction(struct bs_buffer *buffer, const struct bs_decoded *code,
                              const struct bs_instruction *at) {
    _cleanup_buffer_ struct bs_buffer argument = BS_BUFFER_INIT;
    bs_buffer_style(buffer, BS_STYLE_ADDRESS);
    bs_buffer_number(buffer, 2 * (int64_t)at->offset_units, 0);
    bs_buffer_char(buffer, ' ');
    bs_buffer_styled(buffer, BS_STYLE_OPCODE,
                     bs_text_of(bs_opcode_name(code->code.python, at->specialized)));
    if (!at->has_arg)
        return;
    bs_buffer_format(buffer, " %" PRIu32, at->arg);
    bs_instruction_argrepr(&code->instructions, at, &argument);
    if (!argument.length)
        return;
    bs_buffer_text(buffer, " (");
    bs_buffer_styled(buffer, BS_STYLE_VARIABLE, bs_buffer_as_text(&argument));
    bs_buffer_char(buffer, ')');
}

static void print_code(struct bs_buffer *buffer, const struct bs_decoded *code,
                       const struct bs_frame *frame) {
    const struct bs_instruction *at = instruction_of(code, frame);
    bs_buffer_styled(buffer, BS_STYLE_FUNCTION, code->code.qualname);
    print_place(buffer, code->code.filename, at ? at->line : code->code.first_line);
    bs_buffer_text(buffer, ", ");
    if (at)
        print_instruction(buffer, code, at);
    else if (frame->offset_units == BS_FRAME_NO_OFFSET)
        bs_buffer_text(buffer, "before its first instruction");
    else
        bs_buffer_format(buffer, "at offset %" PRIu64 ", which is not in its bytecode",
                         2 * (uint64_t)frame->offset_units);
    if (frame->incomplete && at)
        bs_buffer_text(buffer, ", being called");
}

static struct bs_error *print_python(struct bs_reading *reading, const struct bs_frame *frame,
                                     bool unplaced, struct bs_buffer *buffer) {
    const struct bs_decoded *code = NULL;
    struct bs_error *error =
        frame->code_addr ? bs_reading_code(reading, frame->code_addr, &code) : NULL;
    if (error)
        return error;
    bs_buffer_styled(buffer, BS_STYLE_TITLE, bs_text_of("[py]  "));
    if (!code || code->error) {
        bs_buffer_format(buffer, "frame at 0x%" PRIx64 " cannot be read: ", frame->frame_addr);
        bs_buffer_clean(buffer, bs_text_of(code ? code->error->message : "it has no code object"));
    } else {
        print_code(buffer, code, frame);
    }
    if (unplaced)
        bs_buffer_text(buffer, " (which C frame runs it is not known)");
    bs_buffer_line_end(buffer);
    return NULL;
}

static void print_title(const struct bs_reading *reading, const struct bs_thread_stack *stack,
                        int tid, struct bs_buffer *buffer) {
    bs_buffer_style(buffer, BS_STYLE_TITLE);
    bs_buffer_format(buffer, "Thread %d", tid);
    bs_buffer_style(buffer, BS_STYLE_PLAIN);
    if (stack->running.count)
        bs_buffer_text(buffer, bs_running_holds_gil(&stack->running) ? ", holds the GIL" : "");
    else if (!reading->no_threads)
        bs_buffer_text(buffer, ", not a Python thread");
    bs_buffer_line_end(buffer);
}

static struct bs_error *print_frames(struct bs_reading *reading,
                                     const struct bs_thread_stack *stack,
                                     struct bs_buffer *buffer) {
    const struct bs_host *host = reading->inferior.host;
    struct native_printer printer = {.buffer = buffer};
    struct bs_error *error = NULL;
    for (size_t i = 0; !error && i < stack->mixed.count; i++) {
        const struct bs_mixed_frame *item = &stack->mixed.items[i];
        error = item->is_python ? print_python(reading, &stack->frames.items[item->index],
                                               item->unplaced, buffer)
                                : print_native(host, stack->natives.items[item->index].pc_addr,
                                               item->index, item->is_evaluator, &printer);
        if (!error && host->interrupted(host->arg))
            error = &bs_interrupted;
    }
    return error;
}

static struct bs_error *print_thread(struct bs_reading *reading, int tid,
                                     struct bs_buffer *buffer) {
    _cleanup_thread_stack_ struct bs_thread_stack stack = {};
    struct bs_error *error = read_thread(reading, tid, &stack);
    if (!error) {
        print_title(reading, &stack, tid, buffer);
        error = print_frames(reading, &stack, buffer);
    }
    if (!error) {
        print_missing(buffer, "the C frames from here on cannot be walked", stack.natives.stopped);
        print_missing(buffer, "the Python frames from here on cannot be read",
                      stack.frames.stopped);
        print_missing(buffer, "the Python threads cannot be read", reading->no_threads);
    }
    return error;
}

struct tids {
    int *items;
    size_t count, capacity;
    bool no_memory;
};

static bool collect_tid(void *arg, int tid) {
    struct tids *tids = arg;
    int *items = bs_grow(tids->items, tids->count, &tids->capacity, sizeof(*items));
    tids->no_memory = !items;
    if (!items)
        return false;
    tids->items = items;
    tids->items[tids->count++] = tid;
    return true;
}

static struct bs_error *print_all(struct bs_reading *reading, struct bs_buffer *buffer) {
    const struct bs_host *host = reading->inferior.host;
    struct tids tids = {};
    struct bs_error *error = host->threads(host->arg, collect_tid, &tids);
    _cleanup_free_ int *items = tids.items;
    if (!error && tids.no_memory)
        error = &bs_enomem;
    for (size_t i = 0; !error && i < tids.count; i++) {
        if (i)
            bs_buffer_line_end(buffer);
        error = print_thread(reading, items[i], buffer);
    }
    if (!error)
        print_missing(buffer, "the list of Python threads ends early", reading->threads.stopped);
    return error;
}

struct bs_error *bs_command_stack(struct bs_command *command) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    _cleanup_reading_ struct bs_reading reading = {};
    struct bs_error *error = bs_reading_open(command->host, &reading);
    if (error)
        return error;
    bs_command_sink(command, &buffer);
    if (command->options.all)
        error = print_all(&reading, &buffer);
    else
        error = print_thread(&reading, reading.inferior.state.selected_tid, &buffer);
    return bs_error_first(error, bs_buffer_status(&buffer));
}

/* The level of the C frame that runs item @p item of the merged stack. */
static size_t level_of(const struct bs_mixed *mixed, size_t item) {
    size_t i = item;
    while (i && mixed->items[i].is_python)
        i--;
    bool known = !mixed->items[item].unplaced && !mixed->items[i].is_python;
    return known ? mixed->items[i].index : SIZE_MAX;
}

/* Tell one frame, unless it cannot be read. */
static struct bs_error *tell_frame(struct bs_reading *reading, const struct bs_thread_stack *stack,
                                   size_t item, bs_stack_fn fn, void *fn_arg, bool *ret_stop) {
    _cleanup_buffer_ struct bs_buffer opcode = BS_BUFFER_INIT;
    const struct bs_frame *frame = &stack->frames.items[stack->mixed.items[item].index];
    const struct bs_decoded *code;
    struct bs_error *error = bs_reading_code(reading, frame->code_addr, &code);
    if (error || code->error)
        return error;
    const struct bs_instruction *at = instruction_of(code, frame);
    if (at)
        print_instruction(&opcode, code, at);
    struct bs_stack_frame told = {
        .level = level_of(&stack->mixed, item),
        .function = code->code.qualname,
        .file = code->code.filename,
        .line = at ? at->line : code->code.first_line,
        .opcode = bs_buffer_as_text(&opcode),
    };
    *ret_stop = !fn(fn_arg, &told);
    return bs_buffer_status(&opcode);
}

struct bs_error *bs_stack_python(const struct bs_host *host, int tid, bs_stack_fn fn,
                                 void *fn_arg) {
    _cleanup_reading_ struct bs_reading reading = {};
    _cleanup_thread_stack_ struct bs_thread_stack stack = {};
    bool stop = false;
    struct bs_error *error = bs_reading_open(host, &reading);
    if (!error)
        error = read_thread(&reading, tid, &stack);
    for (size_t i = 0; !error && !stop && i < stack.mixed.count; i++) {
        if (stack.mixed.items[i].is_python)
            error = tell_frame(&reading, &stack, i, fn, fn_arg, &stop);
    }
    return error;
}
