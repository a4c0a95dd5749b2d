/* Attaching to a busy server and leaving it, again and again, while a client checks its answers. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* BYTESIGHT_ATTACHES=200 for the whole of it. */
static int attaches(void) {
    const char *count = getenv("BYTESIGHT_ATTACHES");
    return count ? atoi(count) : 10;
}

/* The server's state in memory is any: what cannot be called there is refused in a sentence. */
static void trace_or_refusal(struct session *s, int *traced) {
    SAY(s, "bytesight trace __main__:short(3)");
    if (s->failed)
        return;
    if (strstr(s->output, "//// Trace of `short` :"))
        ++*traced;
    else
        EXPECT_SENTENCE(s, "where no call can be made");
}

SCENARIO(busy_server, ONE_PYTHON) {
    char arguments[256], stop[128];
    int count = attaches(), traced = 0;
    snprintf(stop, sizeof(stop), "%s/stop", s->folder);
    snprintf(arguments, sizeof(arguments), "server.py %s", stop);
    session_attach(s, arguments);
    for (int i = 0; i < count && !s->failed; i++) {
        if (i)
            session_attach_again(s);
        trace_or_refusal(s, &traced);
        SAY_WORDS(s, detach);
        usleep(20000);
    }
    if (!s->failed)
        CHECK(traced > count / 2);
    FILE *file = fopen(stop, "we");
    if (CHECK(file))
        fclose(file);
    AWAIT_PROGRAM(s, "server: unchanged True client 0\n");
    EXPECT_PROGRAM(s, "ready\nclient: right True wrong 0\nserver: unchanged True client 0\n");
}
