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

const char *debugger_find(const struct debugger *debugger) {
    const char *chosen = getenv(debugger->variable);
    if (chosen && *chosen)
        return chosen;
    for (const char *const *name = debugger->programs; *name; name++) {
        const char *path = on_path(*name);
        if (path)
            return path;
    }
    return NULL;
}
