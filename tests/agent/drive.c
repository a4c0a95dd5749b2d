#include "drive.h"

#include "check.h"
#include "core/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AGENT  BUILD_DIR "/libbytesight_agent.so"
#define DRIVER SOURCE_DIR "/tests/agent/driver.py"

static char *read_all(FILE *file, size_t *ret_length) {
    char *data = NULL;
    size_t length = 0, capacity = 1 << 14, got = 1;
    while (file && got) {
        data = realloc(data, capacity + 1);
        got = fread(data + length, 1, capacity - length, file);
        length += got;
        capacity += length == capacity ? capacity : 0;
    }
    if (data)
        data[length] = '\0';
    *ret_length = length;
    return data;
}

/* Read and remove the file @p prefix.@p number@p suffix; NULL when there is none. */
static char *take_file(const char *prefix, size_t number, const char *suffix, size_t *ret_length) {
    char path[128];
    snprintf(path, sizeof(path), "%s.%zu%s", prefix, number, suffix);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *data = read_all(file, ret_length);
    fclose(file);
    unlink(path);
    return data;
}

/* The string at @p offset of the heap of @p image, which is not looked at any closer. */
static struct bs_text heap_text(const char *image, size_t length, uint64_t offset) {
    const struct bs_image_header *header = (const void *)image;
    const struct bs_section *heap = &header->sections[BS_SECTION_HEAP];
    struct bs_heap bytes = {.data = image + heap->offset_bytes, .length = heap->used_bytes};
    struct bs_text text = {.data = "", .length = 0};
    if (heap->offset_bytes > length || heap->used_bytes > length - heap->offset_bytes)
        return text;
    bs_error_destroy(bs_heap_string(&bytes, (uint32_t)offset, &text));
    return text;
}

static char *outcome_message(const char *image, size_t length) {
    const struct bs_image_header *header = (const void *)image;
    struct bs_text first = heap_text(image, length, header->outcome_text), second = {"", 0};
    if (header->outcome == BS_OUTCOME_RAISED)
        second = heap_text(image, length, header->outcome_text + 4 + first.length);
    char *message = NULL;
    int made = asprintf(&message, "%.*s%s%.*s", (int)first.length, first.data,
                        second.length ? ": " : "", (int)second.length, second.data);
    return made < 0 ? NULL : message;
}

static void take_image(struct run *run, const char *prefix, size_t number) {
    size_t length;
    char *image = take_file(prefix, number, "", &length);
    if (!image || length < sizeof(run->header)) {
        free(image);
        return;
    }
    memcpy(&run->header, image, sizeof(run->header));
    run->message = outcome_message(image, length);
    struct bs_error *error = bs_trace_create(image, length, &run->trace);
    if (error)
        printf("%s: the image cannot be read: %s\n", run->call, error->message);
    CHECK_OK(error);
}

char *drive_unchecked(const struct interpreter *interpreter, const char *program, struct run *runs,
                      size_t count, int *ret_status) {
    char prefix[64], *cases[RUNS_MAX];
    const char *args[RUNS_MAX + 8] = {"-I", "-B", DRIVER, AGENT, prefix, program};
    size_t length;
    snprintf(prefix, sizeof(prefix), "/tmp/bytesight-test-%d", (int)getpid());
    for (size_t i = 0; i < count; i++) {
        const char *options = runs[i].options;
        if (asprintf(&cases[i], "%s%s%s", runs[i].call, options ? "\n" : "",
                     options ? options : "") < 0)
            return NULL;
        args[6 + i] = cases[i];
    }
    pid_t pid;
    FILE *output = program_open(interpreter->path, args, &pid);
    char *report = read_all(output, &length);
    *ret_status = output ? program_close(output, pid) : -1;
    for (size_t i = 0; i < count; i++) {
        free(cases[i]);
        take_image(&runs[i], prefix, i);
        runs[i].oracle = take_file(prefix, i, ".oracle", &length);
    }
    return report;
}

void drive(const struct interpreter *interpreter, const char *program, struct run *runs,
           size_t count) {
    int status;
    _cleanup_free_ char *report = drive_unchecked(interpreter, program, runs, count, &status);
    CHECK_EQ(status, 0);
    CHECK_TEXT(report, "");
}

void drive_release(struct run *runs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bs_trace_destroy(bs_take(runs[i].trace));
        free(bs_take(runs[i].message));
        free(bs_take(runs[i].oracle));
    }
}

static void opcode_text(const struct bs_trace *trace, const struct bs_event *event, FILE *text) {
    const struct bs_instructions *instructions = &trace->codes[event->code].instructions;
    _cleanup_buffer_ struct bs_buffer argument = {};
    const struct bs_instruction *instruction = bs_instruction_at(instructions, event->offset_units);
    if (instruction)
        bs_instruction_argrepr(instructions, instruction, &argument);
    fprintf(text, "opcode %" PRIu32 " %.*s\n", event->offset_units, (int)argument.length,
            argument.length ? argument.data : "");
}

static void event_text(const struct bs_trace *trace, const struct bs_event *event, FILE *text) {
    const struct bs_code *code = trace->code_count ? trace->codes[event->code].code : NULL;
    struct bs_text value = {"", 0};
    switch (event->kind) {
    case BS_EVENT_CALL:
        fprintf(text, "call %.*s\n", (int)code->qualname.length, code->qualname.data);
        break;
    case BS_EVENT_LINE:
        fprintf(text, "line %" PRIu32 "\n", event->line);
        break;
    case BS_EVENT_OPCODE:
        opcode_text(trace, event, text);
        break;
    case BS_EVENT_RETURN:
        value = bs_trace_text(trace, event->text);
        if (value.length == 4 && !memcmp(value.data, "None", 4))
            value.length = 0; /* to Python's function the two look the same */
        fprintf(text, "return %.*s\n", (int)value.length, value.data);
        break;
    case BS_EVENT_EXCEPTION: {
        struct bs_raised raised = bs_trace_raised(trace, event->text);
        fprintf(text, "exception %.*s %.*s\n", (int)raised.type.length, raised.type.data,
                (int)raised.message.length, raised.message.data);
        break;
    }
    default:
        break;
    }
}

char *events_text(const struct bs_trace *trace) {
    char *data = NULL;
    size_t length;
    FILE *text = open_memstream(&data, &length);
    for (size_t i = 0; i < trace->event_count; i++)
        event_text(trace, &trace->events[i], text);
    fclose(text);
    return data;
}
