#include "session.h"

#include "core/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define COMMAND_MS     60000
#define PROGRAM_MS     20000
#define TRANSCRIPT_MAX 6000
/* GDB puts it before errors from 18 on, where output is UTF-8. */
#define GDB_ERROR_SIGN "\xe2\x9d\x8c\xef\xb8\x8f "
#define COMMAND_BYTES  8192

static bool fail(struct session *s, const char *what) {
    if (!s->failed)
        check_true(false, what, __FILE__, __LINE__);
    s->failed = true;
    return false;
}

char *file_content(const char *path) {
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    char *text = NULL;
    size_t size = 0;
    if (getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = strdup("");
    }
    fclose(file);
    return text;
}

/* The program's output by now; an unreadable file reads as empty. */
static char *program_output(const struct session *s) {
    char path[128];
    snprintf(path, sizeof(path), "%s/output", s->folder);
    char *text = file_content(path);
    return text ? text : strdup("");
}

/* Talking */

static bool begin(struct session *s, const char *command) {
    if (s->failed)
        return false;
    if (terminal_send(&s->terminal, command) && terminal_send(&s->terminal, "\n"))
        return true;
    return fail(s, "the debugger takes commands");
}

static bool begins(const char *line, size_t length, const char *start) {
    return length >= strlen(start) && !memcmp(line, start, strlen(start));
}

static bool contains(const char *line, size_t length, const char *part) {
    return memmem(line, length, part, strlen(part));
}

/* Take out of @p text, in place, the lines of which @p is_one holds with @p what. */
static void remove_lines(char *text, bool (*is_one)(const char *, size_t, const char *),
                         const char *what) {
    char *to = text;
    for (char *line = text, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        next += *next == '\n';
        if (is_one(line, (size_t)(next - line), what))
            continue;
        memmove(to, line, (size_t)(next - line));
        to += next - line;
    }
    *to = '\0';
}

bool session_finish(struct session *s) {
    char asks[128], marker[32];
    const char *text;
    size_t length;
    if (s->failed)
        return false;
    /* Not sooner: a Ctrl-C throws away what has been typed ahead. */
    snprintf(asks, sizeof(asks), s->debugger->marker, ++s->markers);
    snprintf(marker, sizeof(marker), "<<%u>>", s->markers);
    begin(s, asks);
    if (!terminal_wait(&s->terminal, marker, COMMAND_MS, &text, &length))
        return fail(s, "the command comes to an end");
    if (length && *text == '\n') { /* of the marker before */
        text++;
        length--;
    }
    free(s->output);
    s->output = strndup(text, length);
    if (s->debugger->echo && !s->terminal.is_tty)
        remove_lines(s->output, begins, s->debugger->echo);
    if (s->debugger->aside)
        remove_lines(s->output, contains, s->debugger->aside);
    return true;
}

#define FORMAT_COMMAND(s, format)                                                                  \
    char command[COMMAND_BYTES];                                                                   \
    va_list arguments;                                                                             \
    va_start(arguments, format);                                                                   \
    vsnprintf(command, sizeof(command), format, arguments);                                        \
    va_end(arguments)

bool session_begin(struct session *s, const char *format, ...) {
    FORMAT_COMMAND(s, format);
    return begin(s, command);
}

bool session_say(struct session *s, const char *format, ...) {
    FORMAT_COMMAND(s, format);
    return begin(s, command) && session_finish(s);
}

bool session_say_and_interrupt(struct session *s, const char *command, unsigned int after_us) {
    if (!begin(s, command))
        return false;
    usleep(after_us);
    terminal_interrupt(&s->terminal);
    return session_finish(s);
}

bool session_python(struct session *s, const char *format, ...) {
    FORMAT_COMMAND(s, format);
    return SAY_WORDS(s, python, command);
}

/* Opening and closing */

static char **make_environment(const struct session *s) {
    static char storage[8][PATH_MAX];
    static char *environment[9];
    _cleanup_free_ char *python_folder = debugger_find_python_folder(s->debugger);
    snprintf(storage[0], sizeof(storage[0]), "HOME=%s", s->folder);
    snprintf(storage[1], sizeof(storage[1]), "PATH=/usr/local/bin:/usr/bin:/bin");
    snprintf(storage[2], sizeof(storage[2]), "TERM=%s", s->terminal.is_tty ? "xterm" : "dumb");
    snprintf(storage[3], sizeof(storage[3]), "LANG=C.UTF-8");
    snprintf(storage[4], sizeof(storage[4]), "PYTHONDONTWRITEBYTECODE=1");
    snprintf(storage[5], sizeof(storage[5]), "%s=%s", s->bare ? "BARE" : "BYTESIGHT_BUILD",
             BUILD_DIR);
    snprintf(storage[6], sizeof(storage[6]), "PYTHONPATH=%s", python_folder ? python_folder : "");
    /* How many machine instructions look something up in a dict depends on it. */
    snprintf(storage[7], sizeof(storage[7]), "PYTHONHASHSEED=0");
    for (size_t i = 0; i < 8; i++)
        environment[i] = storage[i];
    return environment;
}

static size_t add_words(const char **argv, size_t count, const char *const *words) {
    while (*words && count < DEBUGGER_WORDS_MAX + 1)
        argv[count++] = *words++;
    return count;
}

static bool open_debugger(struct session *s, const char *path, bool tty) {
    const char *argv[DEBUGGER_WORDS_MAX + 2] = {path};
    size_t count = add_words(argv, 1, s->debugger->words);
    if (tty)
        count = add_words(argv, count, s->debugger->tty_words);
    s->terminal.is_tty = tty;
    char **environment = make_environment(s);
    return terminal_open(&s->terminal, (char *const *)argv, environment, tty) ||
           fail(s, "the debugger starts");
}

static bool load_plugin(struct session *s, const char *path) {
    return SAY_WORDS(s, plugin, path) &&
           (s->terminal.is_tty || !*s->output || fail(s, "loading the plugin prints nothing"));
}

static bool session_open(struct session *s, const struct debugger *debugger, const char *path,
                         const struct interpreter *python, unsigned int flags) {
    char plugin[512];
    bool tty = flags & ON_TTY;
    *s = (struct session){.debugger = debugger, .python = python, .bare = flags & BARE};
    strcpy(s->folder, "/tmp/bytesight-session-XXXXXX");
    if (!mkdtemp(s->folder))
        return fail(s, "a folder of its own");
    snprintf(plugin, sizeof(plugin), SOURCE_DIR "/%s", debugger->plugin_file);
    return open_debugger(s, path, tty) && SAY_WORDS(s, opening) &&
           SAY_WORDS(s, program, python->path) && (s->bare || load_plugin(s, plugin));
}

static void print_transcript(const struct session *s) {
    const char *text = s->terminal.text ? s->terminal.text : "";
    size_t length = strlen(text);
    if (length > TRANSCRIPT_MAX)
        text += length - TRANSCRIPT_MAX;
    _cleanup_free_ char *output = program_output(s);
    printf("---- %s, Python %s\n%s\n---- the program printed\n%s\n----\n", s->debugger->name,
           s->python->name, text, output);
}

static void remove_folder(const char *folder) {
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command))
        printf("could not remove %s\n", folder);
}

static void session_close(struct session *s) {
    if (s->failed || getenv("BYTESIGHT_SHOW"))
        print_transcript(s);
    if (s->terminal.pid && !s->failed) { /* so that it ends the inferior too */
        SAY_WORDS(s, kill);
        terminal_send(&s->terminal, s->debugger->quit);
        terminal_send(&s->terminal, "\n");
        terminal_wait_end(&s->terminal, 3000);
    }
    terminal_close(&s->terminal);
    if (s->program) {
        kill(s->program, SIGKILL);
        waitpid(s->program, NULL, 0);
    }
    free(s->output);
    remove_folder(s->folder);
}

/* Running every combination */

static struct {
    const struct debugger *debugger;
    scenario_fn scenario;
    unsigned int flags;
} current;

bool scenario_run_on(const struct debugger *debugger, const struct interpreter *python,
                     scenario_fn scenario, unsigned int flags) {
    struct session s;
    char plugin[512];
    const char *path = debugger_find(debugger);
    snprintf(plugin, sizeof(plugin), SOURCE_DIR "/%s", debugger->plugin_file);
    const char *missing = !path ? debugger->name : access(plugin, R_OK) ? plugin : NULL;
    if (missing) {
        check_skip("scenario", missing);
        return false;
    }
    if (session_open(&s, debugger, path, python, flags))
        scenario(&s);
    session_close(&s);
    return true;
}

static void run_on(const struct interpreter *python) {
    scenario_run_on(current.debugger, python, current.scenario, current.flags);
}

void scenario_run(const struct debugger *debugger, scenario_fn scenario, unsigned int flags) {
    const struct interpreter *newest = interpreters_newest();
    current = (typeof(current)){debugger, scenario, flags};
    if (!newest)
        check_skip("scenario", "python3");
    else if (flags & EVERY_PYTHON)
        interpreters_each(run_on);
    else
        run_on(newest);
}

/* The program */

bool session_go_on_for(struct session *s, unsigned int time_us) {
    bool goes = s->debugger->background ? SAY_WORDS(s, background) && session_go_on(s)
                                        : begin(s, s->debugger->go_on);
    usleep(time_us);
    return goes && session_stop_run(s);
}

static bool begin_run(struct session *s, const char *arguments) {
    char output[128];
    snprintf(output, sizeof(output), "%s/output", s->folder);
    return session_begin(s, s->debugger->run, arguments, output);
}

bool session_run(struct session *s, const char *arguments) {
    return begin_run(s, arguments) && session_finish(s);
}

bool session_start_run(struct session *s, const char *arguments) {
    if (!s->debugger->background)
        return begin_run(s, arguments);
    return SAY_WORDS(s, background) && session_run(s, arguments);
}

bool session_stop_run(struct session *s) {
    if (s->debugger->interrupt)
        return SAY_WORDS(s, interrupt) && SAY_WORDS(s, foreground);
    session_interrupt(s);
    return session_finish(s);
}

void session_interrupt(struct session *s) {
    if (!s->failed)
        terminal_interrupt(&s->terminal);
}

bool stop_in_c(struct session *s, const char *arguments) {
    char full[COMMAND_BYTES / 2];
    snprintf(full, sizeof(full), PROGRAMS "/%s", arguments);
    return SAY_WORDS(s, break_at, STOP_FUNCTION) && session_run(s, full) && SAY_WORDS(s, where) &&
           session_expect(s, STOP_FUNCTION, true, __FILE__, __LINE__);
}

bool session_go_on(struct session *s) {
    return SAY_WORDS(s, go_on);
}

void session_type(struct session *s, const char *keys) {
    if (!s->failed && !terminal_send(&s->terminal, keys))
        fail(s, "the debugger takes keys");
}

bool session_await(struct session *s, const char *text, const char *file, unsigned int line) {
    const char *before;
    size_t length;
    if (s->failed || terminal_wait(&s->terminal, text, COMMAND_MS, &before, &length))
        return !s->failed;
    s->failed = true;
    return check_true(false, text, file, line);
}

/* Start a shell command as our own child, its output into the session's file. */
static bool start_child(struct session *s, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
static bool start_child(struct session *s, const char *format, ...) {
    FORMAT_COMMAND(s, format);
    char full[COMMAND_BYTES + 128];
    snprintf(full, sizeof(full), "exec %s > %s/output 2>&1 < /dev/null", command, s->folder);
    s->program = fork();
    if (!s->program) {
        char *argv[] = {"sh", "-c", full, NULL};
        execve("/bin/sh", argv, make_environment(s));
        _exit(127);
    }
    return s->program > 0 || fail(s, "fork");
}

/* LLDB's own server does not always answer LLDB within its six seconds on a busy machine. */
bool session_attach_again(struct session *s) {
    for (int tries = 0; tries < 5 && SAY_WORDS(s, attach, (int)s->program); tries++) {
        if (!strstr(s->output, "failed to get reply to handshake packet"))
            return true;
        printf("  %s", s->output);
    }
    return fail(s, "the debugger attaches");
}

bool session_attach(struct session *s, const char *arguments) {
    return !s->failed && start_child(s, "%s " PROGRAMS "/%s", s->python->path, arguments) &&
           AWAIT_PROGRAM(s, "ready\n") && session_attach_again(s);
}

/* A port that was free a moment ago. */
static int free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = fd >= 0 && !bind(fd, (struct sockaddr *)&address, length) &&
                 !getsockname(fd, (struct sockaddr *)&address, &length);
    return bound ? ntohs(address.sin_port) : 0;
}

/* Connecting is tried until the server listens. */
static bool connect_to(struct session *s, int port) {
    for (int tries = 0; tries < 50 && SAY_WORDS(s, connect, port); tries++) {
        if (SAY_WORDS(s, where) && strstr(s->output, "#0"))
            return true;
        usleep(100000);
    }
    return fail(s, "the debugger connects to its server");
}

bool session_remote(struct session *s, const char *arguments) {
    char words[128];
    int port = free_port();
    _cleanup_free_ char *server = debugger_find_server(s->debugger);
    if (!server) {
        check_skip("scenario", s->debugger->server);
        return false;
    }
    snprintf(words, sizeof(words), s->debugger->server_words, port);
    return start_child(s, "%s %s %s " PROGRAMS "/%s", server, words, s->python->path, arguments) &&
           connect_to(s, port) && SAY_WORDS(s, break_at, STOP_FUNCTION) && session_go_on(s) &&
           SAY_WORDS(s, where) && session_expect(s, STOP_FUNCTION, true, __FILE__, __LINE__);
}

int session_leave(struct session *s) {
    int status;
    if (!SAY_WORDS(s, detach))
        return -1;
    for (int waited_ms = 0; waited_ms < PROGRAM_MS; waited_ms += 20) {
        if (waitpid(s->program, &status, WNOHANG) == s->program) {
            s->program = 0;
            return status;
        }
        usleep(20000);
    }
    return -1;
}

bool session_await_program(struct session *s, const char *text, const char *file,
                           unsigned int line) {
    if (s->failed)
        return false;
    for (int waited_ms = 0; waited_ms < PROGRAM_MS; waited_ms += 20) {
        _cleanup_free_ char *output = program_output(s);
        if (strstr(output, text))
            return true;
        usleep(20000);
    }
    s->failed = true;
    return check_true(false, text, file, line);
}

/* Expecting */

static bool expect_that(struct session *s, bool holds, const char *what, const char *text,
                        const char *file, unsigned int line) {
    char full[512];
    if (s->failed)
        return false;
    snprintf(full, sizeof(full), "%s: %s", what, text);
    s->failed = !check_true(holds, full, file, line);
    return holds;
}

bool session_expect(struct session *s, const char *text, bool wanted, const char *file,
                    unsigned int line) {
    bool found = s->output && strstr(s->output, text);
    return expect_that(s, found == wanted, wanted ? "output contains" : "output is without", text,
                       file, line);
}

bool session_expect_sentence(struct session *s, const char *text, const char *file,
                             unsigned int line) {
    const char *output = s->output ? s->output : "", *prefix = s->debugger->error_prefix;
    if (!strncmp(output, GDB_ERROR_SIGN, strlen(GDB_ERROR_SIGN)))
        output += strlen(GDB_ERROR_SIGN);
    const char *end = strchr(output, '\n');
    bool one_line = end && !end[1], no_period = end && end > output && end[-1] != '.';
    bool prefixed = !strncmp(output, prefix, strlen(prefix));
    return expect_that(s, one_line && no_period && prefixed && strstr(output, text),
                       "output is one sentence with", text, file, line);
}

bool check_lines(const char *actual, const char *expected, const char *what) {
    if (!strcmp(actual, expected))
        return check_true(true, what, __FILE__, __LINE__);
    size_t same = 0, start = 0;
    for (; actual[same] == expected[same]; same++) {
        if (actual[same] == '\n')
            start = same + 1;
    }
    printf("%s:\n  expected %.*s\n  actual   %.*s\n", what, (int)strcspn(expected + start, "\n"),
           expected + start, (int)strcspn(actual + start, "\n"), actual + start);
    return check_true(false, what, __FILE__, __LINE__);
}

bool session_expect_program(struct session *s, const char *text, const char *file,
                            unsigned int line) {
    if (s->failed)
        return false;
    _cleanup_free_ char *output = program_output(s);
    s->failed = !check_text(output, (size_t)-1, text, "the program's output", file, line);
    return !s->failed;
}
