/*
 * A session: what bytesight remembers between two commands, and the table of its verbs. The
 * module holds one session for each debugger process; tests hold as many as they like.
 */
#ifndef BS_COMMAND_SESSION_H
#define BS_COMMAND_SESSION_H

#include "command/host.h"
#include "command/inject.h"
#include "command/options.h"

struct bs_trace; /* core/trace.h */

/* Inferiors whose agent is remembered; the oldest makes room. */
#define BS_AGENTS_MAX 8

struct bs_session {
    struct bs_options defaults;
    struct bs_trace *trace; /* the last one, NULL: none */
    char *agent_path;       /* libbytesight_agent.so on this machine */
    struct bs_agent agents[BS_AGENTS_MAX];
    size_t agent_count;
    bool warned_in_process; /* --in-process warns once */
};

/*
 * Make a session. @p agent_path NULL: the library beside the module or program that this code
 * lives in. That it exists is checked when it is needed.
 */
struct bs_error *bs_session_create(const char *agent_path, struct bs_session **ret);
void bs_session_destroy(struct bs_session *session);

/* Make @p trace, which is taken over, the last one. */
void bs_session_keep(struct bs_session *session, struct bs_trace *trace);

/* What a verb's function gets: one command line, taken apart. */
struct bs_command {
    struct bs_session *session;
    const struct bs_host *host;
    const struct bs_verb *verb;
    struct bs_options options; /* the defaults, changed by the line; borrowed */
    const char *operand;       /* the rest of the line, raw; no blanks around it */
};

struct bs_verb {
    const char *name;
    uint32_t bit;        /* enum bs_verb_bit: which options it takes; 0: none */
    const char *operand; /* for the usage line: "CALL", "FILE", "[FUNC]"; NULL: takes none */
    const char *summary; /* one line, no period */
    const char *help;    /* paragraphs below the usage line, without the options */
    struct bs_error *(*run)(struct bs_command *command);
};

/* The verbs, in the order in which help prints them. */
const struct bs_verb *bs_verb_table(size_t *ret_count);
/* The verb called so, or an unambiguous beginning of its name. */
struct bs_error *bs_verb_find(const char *name, size_t length, const struct bs_verb **ret);

/*
 * Run one command line ("trace --timeout 5 hot(10)"); an empty one prints the list of verbs. All
 * output goes through @p host. The first failure is returned, after everything that was changed in
 * the inferior has been put back.
 */
struct bs_error *bs_session_run(struct bs_session *session, const struct bs_host *host,
                                const char *line);

/* Append the help of the verb @p name, or of bytesight itself for "". */
struct bs_error *bs_session_help(const struct bs_session *session, const char *name,
                                 struct bs_buffer *buffer);

/* The settings: `bytesight set`, and the debugger's own parameters. Texts as in options.h. */
struct bs_error *bs_session_set(struct bs_session *session, const char *name, const char *text);
struct bs_error *bs_session_get(const struct bs_session *session, const char *name,
                                struct bs_buffer *buffer);

/*
 * For the functions of verbs. bs_command_sink makes @p buffer print through the host, in pieces and
 * with styles; the caller appends and at last asks bs_buffer_status(). bs_command_trace_needed
 * gives the last trace or the sentence that says how to make one.
 */
void bs_command_sink(const struct bs_command *command, struct bs_buffer *buffer);
struct bs_error *bs_command_trace_needed(const struct bs_command *command, struct bs_trace **ret);

struct bs_error *bs_command_trace(struct bs_command *command);
struct bs_error *bs_command_profile(struct bs_command *command);
struct bs_error *bs_command_show(struct bs_command *command);
struct bs_error *bs_command_stack(struct bs_command *command);
struct bs_error *bs_command_code(struct bs_command *command);
struct bs_error *bs_command_save(struct bs_command *command);
struct bs_error *bs_command_load(struct bs_command *command);
struct bs_error *bs_command_status(struct bs_command *command);
struct bs_error *bs_command_set(struct bs_command *command);
struct bs_error *bs_command_help(struct bs_command *command);

#endif
