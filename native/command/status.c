/* The verb `status`: one line for each thing that was found, or why it was not. Runs nothing. */
#include "command/place.h"
#include "command/safety.h"
#include "command/session.h"
#include "core/labels.h"
#include "core/number.h"
#include "core/text.h"
#include "core/trace.h"
#include "format/request.h"
#include "inspect/code_reader.h"
#include "inspect/gil.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define LABEL_COLUMNS 13

struct status {
    const struct bs_command *command;
    struct bs_inferior inferior;
    bool has_python;
    bool silent; /* the debugger does not say what there is: the program is running */
    struct bs_buffer buffer;
};

static void label(struct status *status, const char *text) {
    bs_buffer_styled(&status->buffer, BS_STYLE_TITLE, bs_text_of(text));
    bs_buffer_fill(&status->buffer, ' ', LABEL_COLUMNS - (long)strlen(text));
}

/* One line whose value is the reason why there is none; consumes @p error. */
static void reason(struct status *status, const char *text, struct bs_error *error) {
    label(status, text);
    bs_buffer_styled(&status->buffer, BS_STYLE_ERROR, bs_text_of(error->message));
    bs_buffer_char(&status->buffer, '\n');
    bs_error_destroy(error);
}

static void add_process(struct status *status) {
    const struct bs_host_state *state = &status->inferior.state;
    const char *how = status->inferior.memory.fd >= 0 ? "its memory is read directly"
                                                      : "its memory is read through the debugger";
    label(status, "process");
    switch (state->kind) {
    case BS_HOST_NOTHING:
        bs_buffer_text(&status->buffer, "none; run the program, attach to one or load a core file");
        break;
    case BS_HOST_LIVE:
        bs_buffer_format(&status->buffer, "%d, thread %d selected; %s", state->pid,
                         state->selected_tid, how);
        break;
    case BS_HOST_REMOTE:
        bs_buffer_format(&status->buffer, "%d on the other side of a stub, thread %d selected; %s",
                         state->pid, state->selected_tid, how);
        break;
    case BS_HOST_CORE:
        bs_buffer_format(&status->buffer,
                         "a core file of process %d; nothing can be run in it, `bytesight stack` "
                         "and `bytesight code` read it",
                         state->pid);
        break;
    }
    bs_buffer_char(&status->buffer, '\n');
}

static void add_python(struct status *status) {
    const struct bs_interpreter *python = &status->inferior.python;
    label(status, "Python");
    bs_buffer_python(&status->buffer, python->python);
    struct bs_error *error = bs_interpreter_check_running(python);
    bs_buffer_format(&status->buffer, ", %s%s\n", error ? error->message : "running",
                     python->debug ? "; a debug build, whose own checks are in every time" : "");
    bs_error_destroy(error);
    label(status, "interpreter");
    bs_buffer_styled(&status->buffer, BS_STYLE_FILE,
                     bs_text_of(python->module_path ? python->module_path : "unknown file"));
    bs_buffer_format(&status->buffer, ", %s, %s symbols\n",
                     bs_interpreter_is_library(python) ? "a shared library" : "part of the program",
                     python->stripped ? "without" : "with");
}

static void add_gil(struct status *status) {
    struct bs_gil gil;
    bool has_others = false;
    struct bs_error *error = bs_gil_read(&status->inferior.python, &gil);
    if (!error && gil.lock_addr)
        error = bs_gil_has_others(&status->inferior.python, gil.lock_addr, &has_others);
    if (error) {
        reason(status, "GIL", error);
        return;
    }
    int tid = bs_inferior_tid(&status->inferior, gil.tid);
    label(status, "GIL");
    if (!gil.locked)
        bs_buffer_text(&status->buffer, "free");
    else if (gil.in_subinterpreter)
        bs_buffer_text(&status->buffer, "held by a thread that runs a sub-interpreter");
    else if (tid)
        bs_buffer_format(&status->buffer, "held by thread %d%s", tid,
                         tid == status->inferior.state.selected_tid ? ", the selected one" : "");
    else
        bs_buffer_format(&status->buffer, "held by the thread that Python numbers 0x%" PRIx64,
                         gil.ident);
    bs_buffer_text(&status->buffer, has_others ? "; that is the main interpreter's, and others "
                                                 "have locks of their own\n"
                                               : "\n");
}

/* Those of the frame in which @p place is. */
static void add_names(struct status *status, const struct bs_place *place) {
    _cleanup_arena_ struct bs_arena arena = BS_ARENA_INIT;
    struct bs_code code;
    if (place->frame_index == BS_FRAME_NONE) {
        label(status, "names");
        bs_buffer_text(&status->buffer, "of CALL are those of __main__: the selected frame belongs "
                                        "to no Python frame\n");
        return;
    }
    struct bs_error *error =
        bs_code_read_title(&status->inferior.python, place->code_addr, &arena, &code);
    if (error) {
        reason(status, "names", error);
        return;
    }
    label(status, "names");
    bs_buffer_text(&status->buffer, "of CALL are those of ");
    bs_buffer_styled(&status->buffer, BS_STYLE_FUNCTION, code.qualname);
    bs_buffer_text(&status->buffer, " in ");
    bs_buffer_styled(&status->buffer, BS_STYLE_FILE, code.filename);
    bs_buffer_char(&status->buffer, '\n');
}

/* Whether a call could be made now, and from where; or only with options that are not set. */
static void add_place(struct status *status) {
    struct bs_place place;
    struct bs_error *error = bs_place_choose(&status->inferior, &place);
    if (error) {
        reason(status, "calls", error);
        return;
    }
    error = bs_safety_options(&status->inferior, place.tid, &status->command->options);
    label(status, "calls");
    bs_buffer_format(&status->buffer, "possible, on thread %d%s", place.tid,
                     place.active_state_addr ? ", in the sub-interpreter that it runs" : "");
    if (error)
        bs_buffer_format(&status->buffer, ", but %s", error->message);
    bs_buffer_char(&status->buffer, '\n');
    bs_error_destroy(error);
    add_names(status, &place);
}

static void add_agent(struct status *status) {
    struct bs_session *session = status->command->session;
    const struct bs_agent *agent = NULL;
    struct bs_error *error = NULL;
    if (status->has_python)
        error = bs_agent_known(session, status->command->host, &status->inferior.state, &agent);
    if (!error && status->has_python && !agent)
        error = bs_agent_suits(session, &status->inferior);
    if (error) {
        reason(status, "agent", error);
        return;
    }
    label(status, "agent");
    if (agent)
        bs_buffer_format(&status->buffer, "loaded, at 0x%" PRIx64 "\n", agent->start_addr);
    else if (access(session->agent_path, R_OK))
        bs_buffer_format(&status->buffer, "missing: %s: %s; build it with `make`\n",
                         session->agent_path, strerror(errno));
    else
        bs_buffer_format(&status->buffer, "not loaded; the first trace or profile loads %s\n",
                         session->agent_path);
}

static bool is_timed(const struct bs_trace *trace) {
    return trace && trace->header->flags & BS_IMAGE_TIMED;
}

/* Which engine profiles use, as far as it is known before one; then it is with the trace. */
static void add_engine_to_come(struct status *status, bool has_table) {
    if (is_timed(status->command->session->trace))
        return;
    label(status, "engine");
    bs_buffer_text(&status->buffer,
                   has_table ? "probe; settrace where a profile cannot verify it, and then it "
                               "says why\n"
                             : "settrace\n");
}

static void add_no_probe(struct status *status) {
    add_engine_to_come(status, false);
    label(status, "probe");
    bs_buffer_text(&status->buffer,
                   "none on this architecture, and no C functions beside opcodes\n");
}

/* What is known of the probe before anything is run: the tables that it may be put into. */
static void add_probe(struct status *status) {
    struct bs_table_candidate candidates[BS_TABLE_CANDIDATES_MAX];
    size_t count = 0;
    struct bs_error *error = bs_dispatch_find(&status->inferior.python, candidates, &count);
    if (error) {
        reason(status, "probe", error);
        return;
    }
    add_engine_to_come(status, count);
    label(status, "probe");
    if (!count)
        bs_buffer_text(&status->buffer,
                       "not possible: the interpreter's dispatch table was not found\n");
    for (size_t i = 0; i < count; i++) {
        if (i)
            bs_buffer_fill(&status->buffer, ' ', LABEL_COLUMNS);
        bs_buffer_format(&status->buffer,
                         "dispatch table at 0x%" PRIx64 " with %" PRIu32 " handlers%s\n",
                         candidates[i].table_addr, candidates[i].distinct,
                         i ? "" : "; each profile verifies it first");
    }
}

/* How the last profile was made: why not with the probe, if not. */
static void add_engine(struct status *status, const struct bs_trace *trace) {
    const struct bs_image_header *header = trace->header;
    struct bs_text why = bs_trace_text(trace, header->engine_text);
    label(status, "engine");
    bs_buffer_text(&status->buffer, bs_engine_label(header->engine));
    bs_buffer_text(&status->buffer, why.length ? ": " : "");
    bs_buffer_clean(&status->buffer, why);
    bs_buffer_char(&status->buffer, '\n');
    label(status, "clock");
    bs_buffer_format(&status->buffer, "%s, %.6g MHz\n",
                     header->clock == BS_CLOCK_TSC ? "the processor's time stamp counter"
                                                   : "the system's monotonic clock",
                     (double)header->clock_hz / 1e6);
}

static void add_trace(struct status *status) {
    const struct bs_trace *trace = status->command->session->trace;
    label(status, "last trace");
    if (!trace) {
        bs_buffer_text(&status->buffer, "none\n");
        return;
    }
    const struct bs_image_header *header = trace->header;
    struct bs_text target = bs_trace_text(trace, header->target_text);
    bs_buffer_clean(&status->buffer, target);
    bs_buffer_text(&status->buffer, " on Python ");
    bs_buffer_python(&status->buffer, header->python);
    bs_buffer_format(&status->buffer, ", %zu event%s, %s\n", trace->event_count,
                     bs_plural(trace->event_count),
                     header->flags & BS_IMAGE_ISOLATED ? "in a clone" : "in the process itself");
    if (is_timed(trace))
        add_engine(status, trace);
}

static void add_inferior(struct status *status, struct bs_error *error) {
    if (status->silent) {
        reason(status, "process", error);
        return;
    }
    add_process(status);
    if (status->inferior.state.kind == BS_HOST_NOTHING) {
        bs_error_destroy(error);
        return;
    }
    if (error) {
        reason(status, "Python", error);
        return;
    }
    add_python(status);
    if (status->inferior.python.state == BS_INTERPRETER_RUNNING)
        add_gil(status);
    if (status->inferior.state.kind == BS_HOST_CORE)
        return; /* nothing can be run in it, by whatever means */
    add_place(status);
    if (BS_HAS_PROBE)
        add_probe(status);
    else
        add_no_probe(status);
}

struct bs_error *bs_command_status(struct bs_command *command) {
    struct status status = {.command = command};
    struct bs_error *error = bs_inferior_open(command->host, &status.inferior);
    if (error && error->code == BS_ERROR_INTERRUPTED) {
        bs_inferior_close(&status.inferior);
        return error;
    }
    status.has_python = !error;
    status.silent =
        error && error->code != BS_ERROR_STATE && status.inferior.state.kind == BS_HOST_NOTHING;
    bs_command_sink(command, &status.buffer);
    add_inferior(&status, error);
    if (!status.silent && status.inferior.state.kind != BS_HOST_CORE)
        add_agent(&status);
    add_trace(&status);
    error = bs_buffer_status(&status.buffer);
    bs_buffer_deinit(&status.buffer);
    bs_inferior_close(&status.inferior);
    return error;
}
