#include "command/call.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define CLEANUP_ATTEMPTS 3

/* The value of a system call's wrapper that failed. */
#define FAILED UINT64_MAX

/* Debuggers do not say it clearly when the process ended in a call. */
static struct bs_error *tell_end(const struct bs_host *host, struct bs_error *error) {
    struct bs_host_state state = {};
    if (!error || error->code != BS_ERROR_HOST)
        return error;
    struct bs_error *unknown = host->state(host->arg, &state);
    if (unknown || state.kind != BS_HOST_NOTHING) {
        bs_error_destroy(unknown);
        return error;
    }
    return bs_error_reword(error,
                           "the process ended during a call that was made in it (the debugger: %s)",
                           error->message);
}

struct bs_error *bs_call(const struct bs_caller *caller, uint64_t function_addr,
                         const uint64_t *args, size_t arg_count, uint32_t flags, uint64_t *ret) {
    const struct bs_host *host = caller->host;
    return tell_end(host,
                    host->call(host->arg, caller->tid, function_addr, args, arg_count, flags, ret));
}

struct bs_error *bs_call_named(const struct bs_caller *caller, const char *name,
                               const uint64_t *args, size_t arg_count, uint32_t flags,
                               uint64_t *ret) {
    uint64_t addr;
    const struct bs_target *target = &caller->host->target;
    struct bs_error *error = target->lookup(target->arg, name, &addr);
    return error ? error : bs_call(caller, addr, args, arg_count, flags, ret);
}

struct bs_error *bs_call_cleanup(const struct bs_caller *caller, uint64_t function_addr,
                                 const uint64_t *args, size_t arg_count,
                                 bool (*is_pending)(void *arg), void *pending_arg) {
    struct bs_error *error = NULL;
    for (int i = 0; i < CLEANUP_ATTEMPTS; i++) {
        uint64_t ignored;
        struct bs_error *again = bs_call(caller, function_addr, args, arg_count, 0, &ignored);
        bool interrupted = again && again->code == BS_ERROR_INTERRUPTED;
        error = bs_error_first(error, again);
        if (!interrupted || (is_pending && !is_pending(pending_arg)))
            break;
    }
    return error;
}

struct bs_error *bs_page_map(const struct bs_caller *caller, uint64_t length_bytes,
                             struct bs_page *ret) {
    const uint64_t args[] = {
        0, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0,
    };
    const struct bs_target *target = &caller->host->target;
    struct bs_page page = {.length_bytes = length_bytes};
    /* What will be needed to undo it is looked up first. */
    struct bs_error *error = target->lookup(target->arg, "munmap", &page.munmap_addr);
    if (!error)
        error = bs_call_named(caller, "mmap", args, 6, 0, &page.addr);
    if (!error && (page.addr == FAILED || !page.addr))
        error = bs_error_create(BS_ERROR_TARGET,
                                "the inferior could not map %llu bytes of memory for the request",
                                (unsigned long long)length_bytes);
    if (!error)
        *ret = page;
    return error;
}

struct pending_page {
    const struct bs_caller *caller;
    uint64_t addr;
};

static bool is_mapped(void *arg) {
    const struct pending_page *pending = arg;
    const struct bs_target *target = &pending->caller->host->target;
    char byte;
    struct bs_error *error = target->read(target->arg, pending->addr, &byte, 1);
    bool fault = error && error->code == BS_ERROR_FAULT;
    bs_error_destroy(error);
    return !fault;
}

struct bs_error *bs_page_unmap(const struct bs_caller *caller, struct bs_page *page) {
    const uint64_t args[] = {page->addr, page->length_bytes};
    struct pending_page pending = {.caller = caller, .addr = page->addr};
    if (!page->addr)
        return NULL;
    page->addr = 0;
    return bs_call_cleanup(caller, page->munmap_addr, args, 2, is_mapped, &pending);
}
