#include "debugger.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Look for @p name in the folders of PATH; the static result holds until the next call. */
static const char *on_path(const char *name) {
    static char path[4096];
    const char *folders = getenv("PATH");
    while (folders && *folders) {
        size_t length = strcspn(folders, ":");
        snprintf(path, sizeof(path), "%.*s/%s", (int)length, folders, name);
        if (!access(path, X_OK))
            return path;
        folders += length + (folders[length] == ':');
    }
    return NULL;
}

static const char *first_on_path(const char *const *names) {
    const char *path = NULL;
    for (; !path && *names; names++)
        path = on_path(*names);
    return path;
}

const char *debugger_find(const struct debugger *debugger) {
    const char *chosen = getenv(debugger->variable);
    return chosen && *chosen ? chosen : first_on_path(debugger->programs);
}

/* What matches @p pattern in the folder of the debugger's program, links resolved; to be freed. */
static char *beside(const struct debugger *debugger, const char *pattern) {
    char program[PATH_MAX], full[PATH_MAX + 64];
    const char *path = debugger_find(debugger);
    if (!path || !realpath(path, program))
        return NULL;
    glob_t found;
    snprintf(full, sizeof(full), "%.*s/%s", (int)(strrchr(program, '/') - program), program,
             pattern);
    char *match = glob(full, 0, NULL, &found) ? NULL : strdup(found.gl_pathv[0]);
    globfree(&found);
    return match;
}

char *debugger_find_server(const struct debugger *debugger) {
    return beside(debugger, debugger->server);
}

char *debugger_find_python_folder(const struct debugger *debugger) {
    return debugger->python_folder ? beside(debugger, debugger->python_folder) : NULL;
}
