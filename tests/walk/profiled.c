#include "profiled.h"

#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Enough for every opcode to have its final form. */
#define PROFILE "profile --engine settrace --warmups 100 --repeats 3 "

struct profiled profiled_start(const struct interpreter *interpreter, const char *globals_path) {
    const char *const args[] = {SOURCE_DIR "/tests/walk/programs/walked.py",
                                BUILD_DIR "/tests/walk", globals_path, NULL};
    struct profiled profiled = {.interpreter = interpreter};
    char line[64] = "";
    profiled.output = program_open(interpreter->path, args, &profiled.pid);
    if (CHECK(profiled.output && fgets(line, sizeof(line), profiled.output)))
        CHECK_TEXT(line, "ready\n");
    CHECK_OK(bs_session_create(BUILD_DIR "/libbytesight_agent.so", &profiled.session));
    profiled.process = process_host_attach(profiled.pid);
    /* On from printing to where it sleeps. */
    if (profiled.process)
        process_host_run(profiled.process, 50);
    return profiled;
}

void profiled_end(struct profiled *profiled) {
    if (profiled->process)
        process_host_detach(profiled->process);
    bs_session_destroy(profiled->session);
    kill(profiled->pid, SIGKILL);
    CHECK_EQ(program_close(profiled->output, profiled->pid), 128 + SIGKILL);
}

const struct bs_trace *profiled_run(struct profiled *profiled, const char *arguments) {
    char *line;
    if (asprintf(&line, PROFILE "%s", arguments) < 0)
        abort();
    profiled->process->output.length = 0;
    bool ran = CHECK_OK(bs_session_run(profiled->session, &profiled->process->host, line));
    if (!ran)
        printf("  %s\n", line);
    free(line);
    return ran ? profiled->session->trace : NULL;
}

size_t profiled_event(const struct bs_trace *trace, const char *opname, unsigned int n) {
    for (size_t i = 0; i < trace->event_count; i++) {
        const struct bs_event *event = &trace->events[i];
        if (event->kind != BS_EVENT_OPCODE)
            continue;
        const char *name =
            bs_opcode_name(trace->header->python, bs_trace_instruction(trace, event)->opcode);
        if (!strncmp(name, opname, strlen(opname)) && !n--)
            return i;
    }
    return SIZE_MAX;
}

static bool is_called(const struct bs_call_row *row, const char *name) {
    return row->name.length == strlen(name) && !memcmp(row->name.data, name, row->name.length);
}

unsigned int profiled_rows(const struct bs_trace *trace, size_t index, const char *name,
                           uint64_t *ret_instructions) {
    _cleanup_call_rows_ struct bs_call_rows rows = {};
    unsigned int count = 0;
    *ret_instructions = 0;
    if (index == SIZE_MAX || !CHECK_OK(bs_call_rows_event(trace, index, &rows)))
        return 0;
    for (size_t i = 0; i < rows.count; i++) {
        if (!is_called(&rows.items[i], name))
            continue;
        count++;
        *ret_instructions += rows.items[i].instructions;
    }
    return count;
}

static void print_rows(const struct bs_trace *trace, size_t index) {
    _cleanup_call_rows_ struct bs_call_rows rows = {};
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    if (index != SIZE_MAX)
        bs_error_destroy(bs_call_rows_event(trace, index, &rows));
    bs_call_rows_render(trace, &rows, 2, &buffer);
    printf("%.*s", (int)buffer.length, buffer.data ? buffer.data : "");
}

bool profiled_has(const struct bs_trace *trace, size_t index, const char *name) {
    uint64_t instructions;
    if (profiled_rows(trace, index, name, &instructions))
        return true;
    printf("  no %s in event #%zu:\n", name, index + 1);
    print_rows(trace, index);
    return false;
}

unsigned int profiled_kinds(const struct bs_trace *trace, size_t index,
                            enum bs_call_row_kind kind) {
    _cleanup_call_rows_ struct bs_call_rows rows = {};
    unsigned int count = 0;
    if (index == SIZE_MAX || !CHECK_OK(bs_call_rows_event(trace, index, &rows)))
        return 0;
    for (size_t i = 0; i < rows.count; i++)
        count += rows.items[i].kind == kind;
    return count;
}

bool profiled_has_names(const struct profiled *profiled) {
    return process_host_symbol(profiled->process, "long_true_divide") != 0;
}
