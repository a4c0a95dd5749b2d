#include "probed.h"

#include "check.h"
#include "inspect/cache.h"
#include "inspect/dispatch.h"
#include "inspect/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool find_candidates(struct probed *probed) {
    struct bs_cache cache;
    struct bs_interpreter python = {};
    bool found = false;
    if (!process_refresh(probed->process) ||
        !CHECK_OK(bs_cache_init(&probed->process->target, &cache)))
        return false;
    if (CHECK_OK(bs_interpreter_find(&cache.target, &python))) {
        found = CHECK_OK(bs_dispatch_find(&python, probed->candidates, &probed->candidate_count));
        bs_interpreter_deinit(&python);
    }
    bs_cache_deinit(&cache);
    return found;
}

static void send_candidates(struct probed *probed) {
    char line[BS_TABLE_CANDIDATES_MAX * 48];
    size_t length = 0;
    line[0] = '\0';
    for (size_t i = 0; i < probed->candidate_count; i++)
        length += (size_t)snprintf(line + length, sizeof(line) - length,
                                   "%" PRIu64 ":%" PRIu32 ":%" PRIu32 " ",
                                   probed->candidates[i].table_addr, probed->candidates[i].entries,
                                   probed->candidates[i].distinct);
    process_send(probed->process, line);
}

bool probed_start(struct probed *probed, const struct interpreter *interpreter, const char *program,
                  const char *const *args) {
    char path[256];
    snprintf(path, sizeof(path), "../../%s", program);
    *probed = (struct probed){.process = calloc(1, sizeof(*probed->process))};
    if (!CHECK(probed->process) || !process_start(probed->process, interpreter, path, args)) {
        free(probed->process);
        return false;
    }
    if (CHECK(process_read(probed->process) != NULL) && find_candidates(probed)) {
        send_candidates(probed);
        return true;
    }
    probed_end(probed);
    return false;
}

void probed_end(struct probed *probed) {
    process_end(probed->process);
    free(probed->process);
}

char *probed_read(struct probed *probed) {
    return process_read(probed->process);
}

void probed_print(const struct interpreter *interpreter, const char *program,
                  const char *const *args) {
    struct probed probed;
    if (!probed_start(&probed, interpreter, program, args))
        return;
    for (char *line = probed_read(&probed); line; line = probed_read(&probed)) {
        if (line[0] != '#')
            puts(line);
    }
    CHECK(process_succeeds(probed.process));
    probed_end(&probed);
}
