/*
 * A switch for tests, and no part of the agent: loaded into a Python, it puts the probe's stubs
 * into the dispatch table and leaves them there, recording the calling thread into a small ring.
 * The agent's objects are linked in; what is here is what its probe.c is otherwise.
 */
#include "agent/probe/find.h"

#include <stdio.h>
#include <stdlib.h>

#define RECORDS 4096
#define EXPORT  __attribute__((visibility("default")))

static struct bs_finding finding;
static struct bs_record *records;
static uint64_t drains;

static void start_again(struct bs_stub_control *control) {
    drains++;
    control->cursor = records;
}

/* Called by patched.py through ctypes. */
const char *patched_start(const uint64_t *table_addrs, uint32_t count);
uint64_t patched_stop(void);

/* Patch. Returns NULL, or why not. */
EXPORT const char *patched_start(const uint64_t *table_addrs, uint32_t count) {
    static char reason[256];
    struct bs_request request = {.candidates = count};
    const char *why = bs_python_open(0);
    if (why)
        return why;
    for (uint32_t i = 0; i < count && i < BS_TABLE_CANDIDATES_MAX; i++)
        request.candidate[i] =
            (struct bs_table_candidate){.table_addr = table_addrs[i], .entries = 256};
    if (!bs_find(&request, &finding, reason, sizeof(reason)))
        return reason;
    records = calloc(RECORDS + 1, sizeof(*records));
    if (!records)
        return "there is no memory";
    for (size_t i = 0; i < RECORDS; i++)
        records[i].action = i % 3 ? BS_ACTION_STAMP : BS_ACTION_PASS;
    records[RECORDS].action = BS_ACTION_DRAIN;
    finding.stubs.control->cursor = records;
    finding.stubs.control->drain = start_again;
    return bs_table_patch(&finding.table, finding.stubs.entries) ? "the table cannot be written"
                                                                 : NULL;
}

/* Put the handlers back. Returns how many dispatches were recorded. */
EXPORT uint64_t patched_stop(void) {
    struct bs_record *cursor = finding.stubs.control->cursor;
    bs_table_restore(&finding.table);
    return drains * RECORDS + (uint64_t)(cursor - records);
}
