#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void exec_child(char *const *argv, char *const *environment) {
    signal(SIGPIPE, SIG_DFL);
    execvpe(argv[0], argv, environment);
    _exit(127);
}

static bool open_tty(struct terminal *terminal, char *const *argv, char *const *environment) {
    struct winsize size = {.ws_row = TERMINAL_LINES, .ws_col = TERMINAL_COLUMNS};
    int fd;
    pid_t pid = forkpty(&fd, NULL, NULL, &size);
    if (pid < 0)
        return false;
    if (!pid)
        exec_child(argv, environment);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    terminal->pid = pid;
    terminal->in_fd = terminal->out_fd = fd;
    return true;
}

static bool open_pipes(struct terminal *terminal, char *const *argv, char *const *environment) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
        return false;
    pid_t pid = fork();
    if (pid < 0)
        return false;
    if (!pid) {
        setsid(); /* a Ctrl-C meant for the child shall not reach the test */
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(out[1], 2);
        exec_child(argv, environment);
    }
    close(in[0]);
    close(out[1]);
    terminal->pid = pid;
    terminal->in_fd = in[1];
    terminal->out_fd = out[0];
    return true;
}

bool terminal_open(struct terminal *terminal, char *const *argv, char *const *environment,
                   bool tty) {
    *terminal = (struct terminal){.in_fd = -1, .out_fd = -1, .is_tty = tty};
    signal(SIGPIPE, SIG_IGN);
    return (tty ? open_tty : open_pipes)(terminal, argv, environment);
}

void terminal_close(struct terminal *terminal) {
    if (terminal->pid) {
        kill(terminal->pid, SIGKILL);
        waitpid(terminal->pid, NULL, 0);
    }
    if (terminal->in_fd >= 0)
        close(terminal->in_fd);
    if (terminal->out_fd >= 0 && terminal->out_fd != terminal->in_fd)
        close(terminal->out_fd);
    free(terminal->text);
    *terminal = (struct terminal){.in_fd = -1, .out_fd = -1};
}

bool terminal_send(struct terminal *terminal, const char *text) {
    size_t length = strlen(text);
    while (length) {
        ssize_t written = write(terminal->in_fd, text, length);
        if (written < 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

/* Take what is there, waiting until @p deadline_ms; false at the deadline and at the end. */
static bool take_some(struct terminal *terminal, long deadline_ms) {
    if (terminal->length + 65536 > terminal->capacity) {
        size_t capacity = terminal->capacity ? terminal->capacity * 2 : 1 << 18;
        char *text = realloc(terminal->text, capacity);
        if (!text)
            return false;
        terminal->text = text;
        terminal->capacity = capacity;
    }
    long left_ms = deadline_ms - now_ms();
    struct pollfd poll_fd = {.fd = terminal->out_fd, .events = POLLIN};
    if (left_ms < 0 || poll(&poll_fd, 1, (int)left_ms) <= 0)
        return false;
    ssize_t got = read(terminal->out_fd, terminal->text + terminal->length, 65535);
    if (got <= 0)
        return false;
    terminal->length += (size_t)got;
    terminal->text[terminal->length] = '\0';
    return true;
}

bool terminal_wait(struct terminal *terminal, const char *marker, int timeout_ms, const char **ret,
                   size_t *ret_length) {
    long deadline_ms = now_ms() + timeout_ms;
    size_t searched = terminal->position, marker_length = strlen(marker);
    for (;;) {
        char *found = terminal->text ? memmem(terminal->text + searched,
                                              terminal->length - searched, marker, marker_length)
                                     : NULL;
        if (found) {
            *ret = terminal->text + terminal->position;
            *ret_length = (size_t)(found - *ret);
            terminal->position += *ret_length + marker_length;
            return true;
        }
        if (terminal->length > marker_length && terminal->length - marker_length > searched)
            searched = terminal->length - marker_length;
        if (!take_some(terminal, deadline_ms))
            return false;
    }
}

void terminal_interrupt(struct terminal *terminal) {
    if (terminal->is_tty)
        terminal_send(terminal, "\003");
    else
        kill(terminal->pid, SIGINT);
}

int terminal_wait_end(struct terminal *terminal, int timeout_ms) {
    long deadline_ms = now_ms() + timeout_ms;
    int status;
    do {
        take_some(terminal, now_ms() + 20); /* a child whose output is not read never ends */
        if (waitpid(terminal->pid, &status, WNOHANG) == terminal->pid) {
            terminal->pid = 0;
            return status;
        }
    } while (now_ms() < deadline_ms);
    return -1;
}
