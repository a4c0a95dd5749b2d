#include "agent/child.h"

#include <pthread.h>

bool bs_child_forked;

static void note_fork(void) {
    bs_child_forked = true;
}

void bs_child_watch(void) {
    pthread_atfork(NULL, NULL, note_fork);
}
