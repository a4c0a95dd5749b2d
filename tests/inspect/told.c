#include "told.h"

#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void told_forget(struct told *told) {
    for (size_t t = 0; t < told->count; t++) {
        for (size_t i = 0; i < told->threads[t].count; i++)
            free(told->threads[t].frames[i].name);
    }
    told->count = 0;
}

static void take_frame(struct told_thread *thread, const char *line) {
    struct told_frame *frame = &thread->frames[thread->count++];
    frame->name = strdup(line);
    frame->file = strchr(frame->name, '\t');
    *frame->file++ = '\0';
    char *numbers = strchr(frame->file, '\t');
    *numbers++ = '\0';
    sscanf(numbers, "%ld %ld", &frame->line, &frame->lasti);
}

bool told_next(struct process *process, struct told *told) {
    char *line;
    told_forget(told);
    while ((line = process_read(process)) && strcmp(line, "done")) {
        struct told_thread *thread = &told->threads[told->count];
        if (!strcmp(line, "stop"))
            return true;
        if (sscanf(line, "thread %" SCNu64 " %d", &thread->ident, &thread->tid) == 2)
            told->threads[told->count++].count = 0;
        else if (!strncmp(line, "frame ", 6) && told->count)
            take_frame(thread - 1, line + 6);
    }
    CHECK(line != NULL);
    return false;
}

const struct told_thread *told_by_tid(const struct told *told, int tid) {
    for (size_t i = 0; i < told->count; i++) {
        if (told->threads[i].tid == tid)
            return &told->threads[i];
    }
    return NULL;
}
