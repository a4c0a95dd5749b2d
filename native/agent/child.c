#include "agent/child.h"

#include <dlfcn.h>
#include <stddef.h>

bool bs_child_forked;

static void note_fork(void) {
    bs_child_forked = true;
}

/*
 * glibc's pthread_atfork() is linked in, and calls a function of glibc's alone; musl has it in the
 * library itself. So it is looked up. The handler stays: whatever is told of us as the library
 * that it belongs to (NULL: the program) would only take it away again.
 */
void bs_child_watch(void) {
    typedef void handler(void);
    int (*of_glibc)(handler * prepare, handler * parent, handler * child, void *library) =
        dlsym(RTLD_DEFAULT, "__register_atfork");
    int (*of_musl)(handler * prepare, handler * parent, handler * child) =
        dlsym(RTLD_DEFAULT, "pthread_atfork");
    if (of_glibc)
        of_glibc(NULL, NULL, note_fork, NULL);
    else if (of_musl)
        of_musl(NULL, NULL, note_fork);
}
