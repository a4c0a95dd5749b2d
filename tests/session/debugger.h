/*
 * What a scenario needs to know of a debugger: the spelling of a dozen commands. A scenario says
 * what is done; this table says it in the debugger's words. To add a debugger: a table like these,
 * and a line in SCENARIO (session.h).
 */
#ifndef TESTS_SESSION_DEBUGGER_H
#define TESTS_SESSION_DEBUGGER_H

#include <stdbool.h>
#include <stddef.h>

#define DEBUGGER_WORDS_MAX 24

struct debugger {
    const char *name;
    const char *variable;         /* of the environment: a path to use instead of those below */
    const char *const *programs;  /* names to look for on PATH, the best first; NULL ends */
    const char *const *words;     /* of the command line, after the program; NULL ends */
    const char *const *tty_words; /* more of them on a terminal */
    const char *python_folder;    /* wants to be in PYTHONPATH if it is there; beside the program */
    const char *opening;          /* the first command of every session */
    const char *echo;   /* through pipes, lines that begin so repeat a command; NULL: none do */
    const char *aside;  /* lines with that in them are told at any time; NULL: none */
    const char *plugin; /* loads our commands; %s: the plugin's path */
    const char *plugin_file;  /* in the source tree */
    const char *marker;       /* prints "<<N>>" and a newline, its own text not containing that */
    const char *error_prefix; /* stands before an error's sentence */

    const char *program;  /* choose the executable %s */
    const char *break_at; /* stop at the C function %s, also of a library not yet loaded */
    const char *delete_breakpoints;
    const char *run; /* arguments %s, output into %s, input from /dev/null */
    const char *go_on;
    /*
     * To let the program run meanwhile and to stop it then. NULL: `run` lasts until the program
     * stops, which Ctrl-C makes it do.
     */
    const char *background, *interrupt, *foreground;
    const char *attach; /* to %d */
    const char *detach;
    const char *server;       /* the program for remote debugging, beside the debugger's */
    const char *server_words; /* what follows the server's name: a port %d, then a program */
    const char *connect;      /* to the server at port %d of this machine */
    const char *kill;
    const char *open_core; /* of the executable %s, the file %s */
    const char *backtrace;
    const char *thread;    /* select the thread that a list of threads calls %d */
    const char *thread_id; /* select the thread that the kernel calls %d */
    const char *list_breakpoints;
    const char *where;         /* the selected frame */
    const char *up;            /* select the next outer C frame */
    const char *library_stops; /* stop, or not, when a library is loaded: %d is 1 or 0 */
    const char *keep_deadline; /* from the program: the signal that ends a run in the process */
    const char *python;        /* run a line of Python, %s */
    const char *host;          /* expression that makes a host in it */
    const char *process_id;    /* expression for the program's number */
    const char *quit;
};

extern const struct debugger debugger_gdb, debugger_lldb;

/* The debugger's path, or NULL when this machine has none; holds until the next call. */
const char *debugger_find(const struct debugger *debugger);
/* The path of its server and of its Python modules, likewise; to be freed. */
char *debugger_find_server(const struct debugger *debugger);
char *debugger_find_python_folder(const struct debugger *debugger);

#endif
