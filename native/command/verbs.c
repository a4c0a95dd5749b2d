/* The verbs: one row each, and the help that is made of them. */
#include "command/session.h"

#include "core/number.h"

#include <string.h>

static const struct bs_verb table[] = {
    {.name = "trace",
     .bit = BS_VERB_TRACE,
     .operand = "CALL",
     .summary = "Run a Python call once and print every event of it",
     .help = "CALL is a Python call, or the name of a function to be called without\n"
             "arguments: hot, hot(10), self.step(x, n=3), package.module:Class.method(1).\n"
             "What stands before a colon is imported as a module; other names are those of\n"
             "the Python frame nearest the selected frame, else of __main__.\n"
             "\n"
             "CALL runs in a clone of the process, and the process itself stays as it is.\n"
             "What leaves the process (files, sockets) happens for real.",
     .run = bs_command_trace},
    {.name = "profile",
     .bit = BS_VERB_PROFILE,
     .operand = "CALL",
     .summary = "Run a Python call many times and print what each opcode costs",
     .help = "CALL is as for `bytesight trace`. It is warmed up, timed as a whole, timed\n"
             "opcode by opcode, and traced once, all in a clone of the process. The times\n"
             "are per execution, less what the measuring itself costs, and add up to the\n"
             "time of the call when nothing is traced. `bytesight show` prints the same\n"
             "profile in other ways.",
     .run = bs_command_profile},
    {.name = "show",
     .bit = BS_VERB_SHOW,
     .summary = "Print the last trace or profile again, in part or summed up",
     .help = "For example: bytesight show --range 20-40\n"
             "             bytesight show --by opcode --stats median\n"
             "             bytesight show --event 17",
     .run = bs_command_show},
    {.name = "stack",
     .bit = BS_VERB_STACK,
     .summary = "Print the C and Python frames of the selected thread as one stack",
     .help = "Innermost first. C frames are numbered as the debugger numbers them; Python\n"
             "frames follow the C frame that runs them, with the current opcode as it is\n"
             "specialised now. Works on core files too: nothing is run in the process.",
     .run = bs_command_stack},
    {.name = "code",
     .bit = BS_VERB_CODE,
     .operand = "[FUNC]",
     .summary = "Print the bytecode of a function as it is specialised now",
     .help = "FUNC is a name that the Python frame nearest the selected frame can see (f,\n"
             "self.step, Class.method), or module:name of a module that is imported; without\n"
             "it that frame's own code is printed. `-->` is the current instruction, inline\n"
             "caches stand in brackets, and the exception table has offsets on all versions.\n"
             "Works on core files too: nothing is run in the process.",
     .run = bs_command_code},
    {.name = "save",
     .bit = BS_VERB_SAVE,
     .operand = "FILE",
     .summary = "Save the last trace or profile to a file",
     .help = "The file holds everything that `bytesight show` can print. `bytesight load`\n"
             "reads it back, on any machine.",
     .run = bs_command_save},
    {.name = "load",
     .bit = BS_VERB_LOAD,
     .operand = "FILE",
     .summary = "Load a trace or profile from a file, for `bytesight show`",
     .help = "No process is needed.",
     .run = bs_command_load},
    {.name = "status",
     .bit = BS_VERB_STATUS,
     .summary = "Print what was found, and why something is missing",
     .help = "The process, its Python and who holds the GIL; whether CALL could be made now\n"
             "and from where; the agent; what the last trace was made with. Nothing is run\n"
             "in the process.",
     .run = bs_command_status},
    {.name = "set",
     .bit = BS_VERB_SET,
     .operand = "[NAME [VALUE]]",
     .summary = "Set the default of an option, or print the defaults",
     .help = "Without NAME all of them are printed, without VALUE that one. For example:\n"
             "bytesight set repeats 500",
     .run = bs_command_set},
    {.name = "help",
     .operand = "[VERB]",
     .summary = "Print this list, or the help of one verb",
     .help = "",
     .run = bs_command_help},
};
#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))

const struct bs_verb *bs_verb_table(size_t *ret_count) {
    *ret_count = TABLE_ROWS;
    return table;
}

/* "trace, profile" for the verbs that @p name begins (all of them when @p length is 0). */
static size_t list_verbs(const char *name, size_t length, struct bs_buffer *buffer) {
    size_t matches = 0;
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        if (!strncmp(table[i].name, name, length))
            bs_buffer_format(buffer, "%s%s", matches++ ? ", " : "", table[i].name);
    }
    return matches;
}

struct bs_error *bs_verb_find(const char *name, size_t length, const struct bs_verb **ret) {
    _cleanup_buffer_ struct bs_buffer names = BS_BUFFER_INIT;
    const struct bs_verb *found = NULL;
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        if (!strncmp(table[i].name, name, length))
            found = &table[i];
        if (found && !found->name[length])
            break;
    }
    if (!found) {
        list_verbs("", 0, &names);
        return bs_error_create(BS_ERROR_USAGE, "there is no verb \"%.*s\"; the verbs are %.*s",
                               (int)length, name, (int)names.length, names.data);
    }
    if (found->name[length] && list_verbs(name, length, &names) > 1)
        return bs_error_create(BS_ERROR_USAGE, "\"%.*s\" is ambiguous: %.*s", (int)length, name,
                               (int)names.length, names.data);
    *ret = found;
    return NULL;
}

static void help_of_all(struct bs_buffer *buffer) {
    bs_buffer_text(buffer, "Trace and time Python bytecode, one opcode at a time.\n"
                           "Usage: bytesight VERB [OPTIONS] ...\n\n");
    for (size_t i = 0; i < TABLE_ROWS; i++)
        bs_buffer_format(buffer, "  %-8s %s\n", table[i].name, table[i].summary);
    bs_buffer_text(buffer, "\n`bytesight help VERB` says more. Verbs and options can be "
                           "abbreviated.\n");
}

static void help_of_verb(const struct bs_session *session, const struct bs_verb *verb,
                         struct bs_buffer *buffer) {
    bs_buffer_format(buffer, "%s.\nUsage: bytesight %s", verb->summary, verb->name);
    if (verb->bit)
        bs_buffer_text(buffer, " [OPTIONS]");
    if (verb->operand)
        bs_buffer_format(buffer, " %s", verb->operand);
    bs_buffer_char(buffer, '\n');
    if (verb->help[0])
        bs_buffer_format(buffer, "\n%s\n", verb->help);
    if (verb->bit) {
        bs_buffer_text(buffer, "\nOptions, and their defaults in brackets:\n");
        bs_options_help(verb->bit, &session->defaults, buffer);
    }
}

struct bs_error *bs_session_help(const struct bs_session *session, const char *name,
                                 struct bs_buffer *buffer) {
    _cleanup_numerals_ struct bs_numerals numerals = bs_numerals_begin();
    const struct bs_verb *verb = NULL;
    if (!*name) {
        help_of_all(buffer);
        return NULL;
    }
    struct bs_error *error = bs_verb_find(name, strlen(name), &verb);
    if (verb)
        help_of_verb(session, verb, buffer);
    return error;
}

struct bs_error *bs_command_help(struct bs_command *command) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_command_sink(command, &buffer);
    const char *name = command->options.help ? command->verb->name : command->operand;
    struct bs_error *error = bs_session_help(command->session, name, &buffer);
    return error ? error : bs_buffer_status(&buffer);
}
