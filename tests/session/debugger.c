#include "debugger.h"

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

const char *debugger_find_server(const struct debugger *debugger) {
    return first_on_path(debugger->servers);
}
