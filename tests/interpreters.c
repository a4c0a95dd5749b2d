#include "interpreters.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOUND_MAX 64
#define ARGS_MAX  64

static struct interpreter found[FOUND_MAX];
static size_t found_count;

FILE *program_open(const char *program, const char *const *args, pid_t *ret_pid) {
    char *argv[ARGS_MAX + 2] = {(char *)program};
    int ends[2];
    for (size_t i = 0; i < ARGS_MAX && args[i]; i++)
        argv[i + 1] = (char *)args[i];
    if (pipe2(ends, O_CLOEXEC))
        return NULL;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int failure = posix_spawn(ret_pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (!failure)
        return fdopen(ends[0], "r");
    close(ends[0]);
    errno = failure;
    return NULL;
}

int program_close(FILE *output, pid_t pid) {
    int status;
    fclose(output);
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool is_known(const char *path) {
    for (size_t i = 0; i < found_count; i++) {
        if (!strcmp(found[i].path, path))
            return true;
    }
    return false;
}

/* What an interpreter says of itself, a line each: executable, version and flags, hexversion. */
static const char ask[] =
    "import sys, platform\n"
    "if sys.implementation.name == 'cpython':\n"
    "    print(sys.executable, platform.python_version() + sys.abiflags, sys.hexversion,"
    " sep='\\n')\n";

static void add(const char *executable, const char *name, uint32_t python) {
    char *path = realpath(executable, NULL);
    uint32_t minor = python >> 16 & 255;
    if (path && python >> 24 == 3 && minor >= INTERPRETERS_MINOR_OLDEST &&
        minor <= INTERPRETERS_MINOR_NEWEST && !is_known(path) && found_count < FOUND_MAX)
        found[found_count++] = (struct interpreter){
            path, strdup(name), strndup(name, strspn(name, "0123456789.")), python};
    else
        free(path);
}

/* Add @p program if it is an interpreter that we serve and that is not there yet. */
static void try_program(const char *program) {
    const char *const args[] = {"-I", "-S", "-c", ask, NULL};
    char path[PATH_MAX], executable[PATH_MAX], name[64];
    uint32_t python;
    pid_t pid;
    if (access(program, X_OK) || !realpath(program, path) || is_known(path))
        return;
    FILE *output = program_open(program, args, &pid);
    if (!output)
        return;
    bool told = fscanf(output, "%4095[^\n] %63[^\n] %" SCNu32, executable, name, &python) == 3;
    if (!program_close(output, pid) && told)
        add(executable, name, python);
}

static void try_pattern(const char *directory, const char *pattern) {
    char path[PATH_MAX];
    glob_t programs;
    snprintf(path, sizeof(path), "%s/%s", directory, pattern);
    if (!glob(path, 0, NULL, &programs)) {
        for (size_t i = 0; i < programs.gl_pathc; i++)
            try_program(programs.gl_pathv[i]);
        globfree(&programs);
    }
}

static void try_directory(const char *directory) {
    /* pyenv's stand-ins there are scripts, slow ones; what they start is found by its own path. */
    if (strstr(directory, "/shims"))
        return;
    try_pattern(directory, "python3");
    try_pattern(directory, "python3.1[0-9]");
    try_pattern(directory, "python3.1[0-9]d");
}

static void try_path(void) {
    char *path = strdup(getenv("PATH") ? getenv("PATH") : ""), *rest = path, *directory;
    while ((directory = strsep(&rest, ":")))
        try_directory(directory);
    free(path);
}

static int by_version(const void *a, const void *b) {
    const struct interpreter *left = a, *right = b;
    if (left->python != right->python)
        return left->python < right->python ? -1 : 1;
    /* A debug build before its release: the newest, the last one, is not to be that. */
    int by_name = strcmp(right->name, left->name);
    return by_name ? by_name : strcmp(left->path, right->path);
}

const struct interpreter *interpreters(size_t *ret_count) {
    static bool looked;
    if (!looked) {
        char pyenv[PATH_MAX];
        snprintf(pyenv, sizeof(pyenv), "%s/.pyenv/versions", getenv("HOME") ? getenv("HOME") : "");
        try_path();
        try_directory("/usr/bin");
        try_directory("/usr/local/bin");
        try_pattern(pyenv, "3.1[0-9].*/bin/python3");
        qsort(found, found_count, sizeof(*found), by_version);
        looked = true;
    }
    *ret_count = found_count;
    return found;
}

bool interpreter_is_wanted(const struct interpreter *interpreter) {
    const char *only = getenv("BYTESIGHT_PYTHON");
    if (!only)
        return true;
    return !strncmp(interpreter->name, only, strlen(only)) &&
           (!interpreter_is_debug(interpreter) || !strcmp(interpreter->name, only));
}

const struct interpreter *interpreters_newest(void) {
    size_t count;
    const struct interpreter *all = interpreters(&count), *newest = NULL;
    for (size_t i = 0; i < count; i++) {
        if (interpreter_is_wanted(&all[i]))
            newest = &all[i];
    }
    return newest;
}

bool interpreter_is_debug(const struct interpreter *interpreter) {
    return strchr(interpreter->name, 'd');
}

bool interpreter_is_golden(const struct interpreter *interpreter) {
    /* The versions recorded, and others that were seen to compile the programs the same way. */
    static const struct {
        uint32_t first, last;
    } recorded[] = {
        {0x030a0df0, 0x030a0df0}, /* 3.10.13 */
        {0x030b02f0, 0x030b07f0}, /* 3.11.2 to 3.11.7 */
        {0x030d00f0, 0x030d00f0}, /* 3.13.0; not 3.13.5, whose jumps differ */
        {0x030e0af0, 0x030e0af0}, /* 3.14.10 */
        {0x030f02f0, 0x030f02f0}, /* 3.15.2 */
    };
    for (size_t i = 0; i < sizeof(recorded) / sizeof(*recorded); i++) {
        if (interpreter->python >= recorded[i].first && interpreter->python <= recorded[i].last)
            return true;
    }
    return false;
}
