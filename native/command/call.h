/*
 * Calls of the inferior's own functions, by name and with numbers, and the pages that are mapped
 * by such calls. What happens when the user presses Ctrl-C in the middle is decided here.
 */
#ifndef BS_COMMAND_CALL_H
#define BS_COMMAND_CALL_H

#include "command/host.h"

/* Where calls are made. */
struct bs_caller {
    const struct bs_host *host;
    int tid;
};

/* Call the function at @p function_addr. */
struct bs_error *bs_call(const struct bs_caller *caller, uint64_t function_addr,
                         const uint64_t *args, size_t arg_count, uint32_t flags, uint64_t *ret);
/* Look @p name up and call it. */
struct bs_error *bs_call_named(const struct bs_caller *caller, const char *name,
                               const uint64_t *args, size_t arg_count, uint32_t flags,
                               uint64_t *ret);

/*
 * The same for what must happen although the user interrupts: made up to three times, again only
 * after an interruption, and only while @p is_pending says that it is still to be done (NULL: it
 * always is). The error of the first call is returned, also where a later one did it.
 */
struct bs_error *bs_call_cleanup(const struct bs_caller *caller, uint64_t function_addr,
                                 const uint64_t *args, size_t arg_count,
                                 bool (*is_pending)(void *arg), void *pending_arg);

/* A page of the inferior, mapped for us. */
struct bs_page {
    uint64_t addr; /* 0: none */
    uint64_t length_bytes;
    uint64_t munmap_addr;
};

struct bs_error *bs_page_map(const struct bs_caller *caller, uint64_t length_bytes,
                             struct bs_page *ret);
/* Unmaps also after an interruption. A page that was not mapped is a success. */
struct bs_error *bs_page_unmap(const struct bs_caller *caller, struct bs_page *page);

#endif
