/*
 * The verb `code`: the bytecode of a function as it is specialised now, with inline caches and
 * source lines, and its exception table. Reads memory only.
 */
#include "command/changed.h"
#include "command/place.h"
#include "command/reading.h"
#include "command/session.h"
#include "command/source.h"
#include "core/exception_table.h"
#include "core/row.h"
#include "core/text.h"
#include "inspect/names.h"

#include <inttypes.h>

#define ROW_INDENT 2

/* What is listed. */
struct subject {
    const struct bs_decoded *code;
    const struct bs_instruction *current; /* NULL: no frame of ours runs it */
    struct bs_source source;
};

static struct bs_error *no_frame(void) {
    return bs_error_create(BS_ERROR_STATE,
                           "the selected frame belongs to no Python frame; select another one, or "
                           "name a function: bytesight code FUNC");
}

/* Before Python runs, and after, there is no function of any name. */
static struct bs_error *find_named(const struct bs_interpreter *python, const char *name,
                                   const struct bs_frame *frame, uint64_t *ret_code_addr) {
    struct bs_error *error = bs_inspect_find_code(python, frame, name, ret_code_addr);
    if (!error || error->code != BS_ERROR_NOT_FOUND)
        return error;
    struct bs_error *not_running = bs_interpreter_check_running(python);
    if (!not_running)
        return error;
    bs_error_destroy(error);
    return not_running;
}

static struct bs_error *find_code(struct bs_reading *reading, const char *name,
                                  const struct bs_frame *frame, uint64_t *ret_code_addr) {
    if (*name)
        return find_named(&reading->inferior.python, name, frame, ret_code_addr);
    if (!frame)
        return no_frame();
    *ret_code_addr = frame->code_addr;
    return NULL;
}

static struct bs_error *open_subject(struct bs_reading *reading, const struct bs_frame *frame,
                                     uint64_t code_addr, struct subject *ret) {
    struct bs_error *error = bs_reading_code(reading, code_addr, &ret->code);
    if (error)
        return error;
    if (ret->code->error)
        return bs_error_create(ret->code->error->code, "%s", ret->code->error->message);
    if (frame && frame->code_addr == code_addr && frame->offset_units != BS_FRAME_NO_OFFSET)
        ret->current = bs_instruction_at(&ret->code->instructions, frame->offset_units);
    return bs_source_load(&reading->inferior.state, ret->code->code.filename, &ret->source);
}

static void print_title(const struct subject *subject, struct bs_buffer *buffer) {
    const struct bs_code *code = &subject->code->code;
    bs_buffer_styled(buffer, BS_STYLE_FUNCTION, code->qualname);
    bs_buffer_text(buffer, " at ");
    bs_buffer_styled(buffer, BS_STYLE_FILE, code->filename);
    bs_buffer_format(buffer, ":%" PRId32 ", code object at 0x%" PRIx64 "\n",
                     (int32_t)code->first_line, code->code_addr);
}

static void print_source(const struct subject *subject, uint32_t line, struct bs_buffer *buffer) {
    struct bs_text text = bs_source_line(&subject->source, line);
    if (!text.length)
        return;
    bs_buffer_style(buffer, BS_STYLE_SOURCE);
    bs_buffer_number(buffer, line, 5);
    bs_buffer_text(buffer, "  ");
    bs_buffer_clean(buffer, text);
    bs_buffer_style(buffer, BS_STYLE_PLAIN);
    bs_buffer_char(buffer, '\n');
}

static void print_caches(const struct subject *subject, const struct bs_instruction *instruction,
                         struct bs_buffer *buffer) {
    _cleanup_buffer_ struct bs_buffer caches = BS_BUFFER_INIT;
    bs_instruction_caches(&subject->code->instructions, instruction, &caches);
    if (!caches.length)
        return;
    bs_buffer_style(buffer, BS_STYLE_DIM);
    bs_buffer_text(buffer, "  [");
    bs_buffer_append(buffer, caches.data, caches.length);
    bs_buffer_char(buffer, ']');
    bs_buffer_style(buffer, BS_STYLE_PLAIN);
}

static void print_instruction(const struct subject *subject,
                              const struct bs_instruction *instruction, struct bs_buffer *buffer) {
    struct bs_row row = {
        .instructions = &subject->code->instructions,
        .instruction = instruction,
        .opcode = instruction->specialized,
        .current = instruction == subject->current,
        .labels = true,
    };
    bs_buffer_fill(buffer, ' ', ROW_INDENT);
    bs_row_render(&row, buffer);
    print_caches(subject, instruction, buffer);
    bs_buffer_line_end(buffer);
}

/*
 * As dis of 3.11 and 3.12 prints it: in bytes, up to the last code unit inside. Later ones have
 * labels there, but count the ends of these ranges among them, so that theirs are not ours.
 */
static void print_exception_table(const struct bs_code *code, struct bs_buffer *buffer) {
    struct bs_exception_table walk;
    struct bs_exception_range range;
    const char *title = "ExceptionTable:\n";
    bs_exception_table_init(&walk, code->exceptiontable);
    while (bs_exception_table_next(&walk, &range)) {
        bs_buffer_text(buffer, title);
        title = "";
        bs_buffer_fill(buffer, ' ', ROW_INDENT);
        bs_buffer_format(buffer, "%" PRIu32 " to %" PRIu32 " -> %" PRIu32 " [%" PRIu32 "]%s",
                         2 * range.start_units, 2 * (range.end_units - 1), 2 * range.target_units,
                         range.depth, range.lasti ? " lasti" : "");
        bs_buffer_line_end(buffer);
    }
}

static void print_subject(const struct subject *subject, struct bs_buffer *buffer) {
    const struct bs_instructions *instructions = &subject->code->instructions;
    uint32_t line = BS_NO_LINE;
    print_title(subject, buffer);
    for (size_t i = 0; i < instructions->count; i++) {
        const struct bs_instruction *instruction = &instructions->items[i];
        if (instruction->line != line && instruction->line != BS_NO_LINE)
            print_source(subject, instruction->line, buffer);
        line = instruction->line;
        print_instruction(subject, instruction, buffer);
    }
    print_exception_table(&subject->code->code, buffer);
}

static struct bs_error *print_changed(const struct bs_command *command,
                                      const struct bs_reading *reading,
                                      const struct subject *subject) {
    struct bs_changed changed;
    bs_changed_init(&reading->inferior.state, &changed);
    bs_changed_look(&changed, subject->code->code.filename);
    return bs_changed_print(command, &changed);
}

static struct bs_error *list(struct bs_command *command, struct bs_reading *reading,
                             const char *name) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    _cleanup_python_place_ struct bs_python_place place = {};
    struct subject subject = {};
    uint64_t code_addr = 0;
    struct bs_error *error = bs_python_place_find(&reading->inferior, &reading->evaluator, &place);
    const struct bs_frame *frame = place.frame;
    /* A name may be found though frames cannot be read: then among those of __main__. */
    if (*name)
        error = bs_error_forgive(error);
    if (!error)
        error = find_code(reading, name, frame, &code_addr);
    if (!error)
        error = open_subject(reading, frame, code_addr, &subject);
    if (!error)
        error = print_changed(command, reading, &subject);
    if (!error) {
        bs_command_sink(command, &buffer);
        print_subject(&subject, &buffer);
        error = bs_buffer_status(&buffer);
    }
    bs_source_deinit(&subject.source);
    return error;
}

struct bs_error *bs_command_code(struct bs_command *command) {
    _cleanup_reading_ struct bs_reading reading = {};
    struct bs_error *error = bs_reading_open(command->host, &reading);
    return error ? error : list(command, &reading, command->operand);
}
