/*
 * A program that loads libpython for itself only (RTLD_LOCAL), as plugins do: Python's symbols are
 * not global in it. Only where there is a shared libpython beside the interpreter.
 */
#include "check.h"
#include "program.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Stops in read() from @p go, holding the GIL; gives back the status to exit with. */
static int embed(const char *libpython, int ready, int go) {
    void (*initialize)(int);
    int (*run)(const char *), (*finalize)(void);
    char byte = 0;
    void *python = dlopen(libpython, RTLD_NOW | RTLD_LOCAL);
    if (!python)
        return 1;
    *(void **)&initialize = dlsym(python, "Py_InitializeEx");
    *(void **)&run = dlsym(python, "PyRun_SimpleString");
    *(void **)&finalize = dlsym(python, "Py_FinalizeEx");
    initialize(0);
    if (run("def hot(n):\n  return n + 1\n") || write(ready, "r", 1) != 1)
        return 2;
    if (read(go, &byte, 1) != 1 || run("assert hot(1) == 2"))
        return 3;
    return finalize();
}

static pid_t start(const struct interpreter *interpreter, const char *libpython, int *ret_go) {
    int ready[2], go[2];
    char home[512], byte;
    if (!CHECK(!pipe(ready) && !pipe(go)))
        return 0;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        snprintf(home, sizeof(home), "%.*s/..",
                 (int)(strrchr(interpreter->path, '/') - interpreter->path), interpreter->path);
        setenv("PYTHONHOME", home, 1);
        close(go[1]); /* the end of the test is an end, too */
        _exit(embed(libpython, ready[1], go[0]));
    }
    close(ready[1]);
    close(go[0]);
    CHECK(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    *ret_go = go[1];
    return pid;
}

/* How many libraries of this name are mapped. */
static int count_mapped(pid_t pid, const char *path) {
    char maps[64], line[1024];
    int count = 0;
    snprintf(maps, sizeof(maps), "/proc/%d/maps", pid);
    FILE *file = fopen(maps, "re");
    while (file && fgets(line, sizeof(line), file))
        count += strstr(line, path) && strstr(line, " r-xp ");
    if (file)
        fclose(file);
    return count;
}

static void local(const struct interpreter *interpreter) {
    struct program program = {};
    char path[512], *libpython;
    int go = -1, status = -1;
    snprintf(path, sizeof(path), "%.*s/../lib/libpython3.%u.so.1.0",
             (int)(strrchr(interpreter->path, '/') - interpreter->path), interpreter->path,
             interpreter->python >> 16 & 255);
    libpython = realpath(path, NULL);
    if (!libpython) {
        check_skip(interpreter->name, "a shared libpython");
        return;
    }
    program.pid = start(interpreter, libpython, &go);
    program.process = process_host_attach(program.pid);
    CHECK_OK(bs_session_create(BUILD_DIR "/libbytesight_agent.so", &program.session));
    if (program.process) {
        CHECK_SHOWS(&program, "trace hot(2)", "Trace of `hot`");
        CHECK_SHOWS(&program, "trace --in-process hot(2)", "Trace of `hot`");
        CHECK_SHOWS(&program, "profile --warmups 3 --repeats 5 hot(3)", "Profile of `hot(3)`");
        CHECK_EQ(count_mapped(program.pid, libpython), 1);
        process_host_detach(program.process);
    }
    bs_session_destroy(program.session);
    CHECK(write(go, "g", 1) == 1);
    close(go);
    CHECK_EQ(waitpid(program.pid, &status, 0), program.pid);
    CHECK_EQ(status, 0);
    free(libpython);
}

TEST(embed, works_where_the_symbols_of_python_are_not_global) {
    interpreters_each(local);
}
