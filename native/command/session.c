#include "command/session.h"

#include "command/words.h"
#include "core/number.h"
#include "core/trace.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* The agent lies beside whatever this code was linked into: the module, a test program. */
static struct bs_error *find_agent(char **ret) {
    Dl_info self;
    const char *slash = NULL;
    if (dladdr(bs_session_create, &self) && self.dli_fname)
        slash = strrchr(self.dli_fname, '/');
    int folder = slash ? (int)(slash - self.dli_fname) : 1;
    if (asprintf(ret, "%.*s/" BS_AGENT_SONAME, folder, slash ? self.dli_fname : ".") < 0)
        return &bs_enomem;
    return NULL;
}

struct bs_error *bs_session_create(const char *agent_path, struct bs_session **ret) {
    struct bs_session *session = calloc(1, sizeof(*session));
    if (!session)
        return &bs_enomem;
    struct bs_error *error = bs_options_init(&session->defaults);
    if (!error && !agent_path)
        error = find_agent(&session->agent_path);
    else if (!error && !(session->agent_path = strdup(agent_path)))
        error = &bs_enomem;
    if (error) {
        bs_session_destroy(session);
        return error;
    }
    *ret = session;
    return NULL;
}

void bs_session_destroy(struct bs_session *session) {
    if (!session)
        return;
    bs_options_deinit(&session->defaults);
    bs_trace_destroy(session->trace);
    free(session->agent_path);
    free(session);
}

void bs_session_keep(struct bs_session *session, struct bs_trace *trace) {
    bs_trace_destroy(session->trace);
    session->trace = trace;
}

static struct bs_error *check_operand(const struct bs_verb *verb, const char *operand) {
    if (*operand && !verb->operand)
        return bs_error_create(BS_ERROR_USAGE, "%s takes options only, and \"%s\" is not one",
                               verb->name, operand);
    if (!*operand && verb->operand && verb->operand[0] != '[')
        return bs_error_create(BS_ERROR_USAGE, "%s needs %s; `bytesight help %s` shows how",
                               verb->name, verb->operand, verb->name);
    return NULL;
}

/* @p line without its verb and without blanks at its end. */
static struct bs_error *run_verb(struct bs_session *session, const struct bs_host *host,
                                 const struct bs_verb *verb, const char *line) {
    _cleanup_options_ struct bs_options options = {};
    struct bs_command command = {.session = session, .host = host, .verb = verb, .operand = line};
    struct bs_error *error = bs_options_copy(&session->defaults, &options);
    if (!error && verb->bit)
        error = bs_options_parse(verb->name, verb->bit, line, &options, &command.operand);
    command.options = options; /* lent */
    if (!error && options.help)
        return bs_command_help(&command);
    if (!error)
        error = check_operand(verb, command.operand);
    if (!error && verb->bit)
        error = bs_options_late(verb->name, verb->bit, line, command.operand);
    return error ? error : verb->run(&command);
}

struct bs_error *bs_session_run(struct bs_session *session, const struct bs_host *host,
                                const char *line) {
    _cleanup_numerals_ struct bs_numerals numerals = bs_numerals_begin();
    const struct bs_verb *verb;
    line = bs_skip_blanks(line);
    size_t length = strlen(line);
    while (length && bs_is_blank(line[length - 1]))
        length--;
    _cleanup_free_ char *trimmed = strndup(line, length);
    if (!trimmed)
        return &bs_enomem;
    size_t verb_length = strcspn(trimmed, " \t\r\n");
    const char *name = verb_length ? trimmed : "help";
    struct bs_error *error = bs_verb_find(name, verb_length ? verb_length : 4, &verb);
    return error ? error : run_verb(session, host, verb, bs_skip_blanks(trimmed + verb_length));
}

struct bs_error *bs_session_set(struct bs_session *session, const char *name, const char *text) {
    _cleanup_numerals_ struct bs_numerals numerals = bs_numerals_begin();
    const struct bs_option *option;
    struct bs_error *error = bs_option_find(name, strlen(name), &option);
    return error ? error : bs_option_set(&session->defaults, option, text);
}

struct bs_error *bs_session_get(const struct bs_session *session, const char *name,
                                struct bs_buffer *buffer) {
    _cleanup_numerals_ struct bs_numerals numerals = bs_numerals_begin();
    const struct bs_option *option;
    struct bs_error *error = bs_option_find(name, strlen(name), &option);
    if (!error)
        bs_option_get(&session->defaults, option, buffer);
    return error;
}

static struct bs_error *sink(void *arg, const char *data, size_t length,
                             const struct bs_span *spans, size_t span_count) {
    const struct bs_command *command = arg;
    const struct bs_host *host = command->host;
    if (host->interrupted(host->arg))
        return &bs_interrupted;
    return host->write(host->arg, data, length, spans, span_count, !command->options.color);
}

void bs_command_sink(const struct bs_command *command, struct bs_buffer *buffer) {
    buffer->sink = sink;
    buffer->sink_arg = (void *)command;
}

struct bs_error *bs_command_trace_needed(const struct bs_command *command, struct bs_trace **ret) {
    if (!command->session->trace)
        return bs_error_create(BS_ERROR_STATE,
                               "there is no trace yet; make one with `bytesight trace CALL` or "
                               "`bytesight profile CALL`, or load one with `bytesight load FILE`");
    *ret = command->session->trace;
    return NULL;
}
