#include "command/inject.h"

#include "command/agent_file.h"
#include "command/clock.h"
#include "command/process.h"
#include "command/session.h"
#include "inspect/elf_image.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* The page: strings at its start, pieces of the library where it must be carried through calls. */
#define PAGE_BYTES  65536
#define TEXT_BYTES  4096
#define ERROR_BYTES 512

/* An agent larger than this is not ours. */
#define LIBRARY_BYTES_MAX (64 << 20)

struct injection {
    const struct bs_session *session;
    struct bs_caller caller;
    const struct bs_host_state *state;
    const struct bs_interpreter *python;
    struct bs_page page;
    uint64_t fd; /* of the memfd in the inferior */
    bool has_fd;
    uint64_t close_addr;
    bool *ret_ran;
};

static struct bs_error *write_text(const struct injection *injection, const char *text) {
    const struct bs_host *host = injection->caller.host;
    size_t length = strlen(text) + 1;
    if (length > TEXT_BYTES)
        return bs_error_create(BS_ERROR_UNSUPPORTED, "the path %.60s... is too long", text);
    return host->write_memory(host->arg, injection->page.addr, text, length);
}

/* What dlerror() says; "no reason given" when it does not. */
static void read_dlerror(const struct injection *injection, char ret[ERROR_BYTES]) {
    uint64_t text_addr = 0;
    struct bs_error *error = bs_call_named(&injection->caller, "dlerror", NULL, 0, 0, &text_addr);
    ret[0] = '\0';
    if (!error && text_addr)
        error = bs_read_string(&injection->caller.host->target, text_addr, "the loader's reason",
                               ret, ERROR_BYTES);
    bs_error_destroy(error);
    if (!ret[0])
        snprintf(ret, ERROR_BYTES, "no reason given");
}

/*
 * Call dlopen. It has to wait where another thread holds a lock that it takes; the debugger wakes
 * it by an interrupt. The others run at once where none gets through, and where waiting cannot be
 * told from a slow connection.
 */
static struct bs_error *call_dlopen(const struct injection *injection, const uint64_t args[2],
                                    uint64_t *ret) {
    const bool far = injection->state->kind != BS_HOST_LIVE;
    const bool deaf = far || bs_process_blocks(injection->caller.tid, SIGINT);
    const uint32_t flags = deaf ? BS_CALL_ALL_THREADS : BS_CALL_MAY_WAIT;
    const uint64_t before_ns = bs_clock_now_ns();
    struct bs_error *error = bs_call_named(&injection->caller, "dlopen", args, 2, flags, ret);
    const uint64_t took_ns = bs_clock_now_ns() - before_ns;
    if (deaf || took_ns >= BS_CALL_ALONE_MS * BS_NS_PER_MS)
        *injection->ret_ran = true;
    return error;
}

/* dlopen @p path; *ret is 0 where the inferior's loader refused. */
static struct bs_error *open_library(const struct injection *injection, const char *path,
                                     uint64_t mode, uint64_t *ret) {
    const uint64_t args[] = {injection->page.addr, mode};
    struct bs_error *error = write_text(injection, path);
    if (!error)
        error = call_dlopen(injection, args, ret);
    if (error && error->code == BS_ERROR_NOT_FOUND) {
        bs_error_destroy(error);
        error = bs_error_create(BS_ERROR_UNSUPPORTED,
                                "process %d has no dlopen (a static program?), so the agent "
                                "cannot be loaded into it",
                                injection->state->pid);
    }
    return error;
}

static struct bs_error *find_symbol(const struct injection *injection, uint64_t handle,
                                    const char *name, uint64_t *ret) {
    const uint64_t args[] = {handle, injection->page.addr};
    struct bs_error *error = write_text(injection, name);
    if (!error)
        error = bs_call_named(&injection->caller, "dlsym", args, 2, 0, ret);
    if (!error && !*ret)
        error = bs_error_create(BS_ERROR_UNSUPPORTED, "%s has no function %s: build it anew",
                                injection->session->agent_path, name);
    return error;
}

static struct bs_error *read_library(const char *path, char **ret, size_t *ret_length) {
    struct stat status;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status))
        return bs_error_create(BS_ERROR_OS, "the agent %s cannot be read: %s; build it with `make`",
                               path, strerror(errno));
    if (status.st_size <= 0 || status.st_size > LIBRARY_BYTES_MAX)
        return bs_error_create(BS_ERROR_OS, "%s is not an agent: it has %lld bytes", path,
                               (long long)status.st_size);
    size_t length = (size_t)status.st_size;
    _cleanup_free_ char *data = malloc(length);
    if (!data)
        return &bs_enomem;
    if (read(fd, data, length) != (ssize_t)length)
        return bs_error_create(BS_ERROR_OS, "the agent %s cannot be read whole", path);
    *ret = bs_take(data);
    *ret_length = length;
    return NULL;
}

/* Fill the inferior's memfd from this side; false where /proc does not let us. */
static bool fill_directly(const struct injection *injection, const char *data, size_t length) {
    char path[64];
    if (injection->state->kind != BS_HOST_LIVE)
        return false;
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", injection->state->pid, (int)injection->fd);
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, data, length) == (ssize_t)length;
}

/* Fill it by calls of write(), piece by piece through the page. */
static struct bs_error *fill_by_calls(const struct injection *injection, const char *data,
                                      size_t length) {
    const struct bs_host *host = injection->caller.host;
    for (size_t at = 0; at < length;) {
        uint64_t piece = length - at < PAGE_BYTES ? length - at : PAGE_BYTES, written = 0;
        const uint64_t args[] = {injection->fd, injection->page.addr, piece};
        struct bs_error *error =
            host->write_memory(host->arg, injection->page.addr, data + at, (size_t)piece);
        if (!error)
            error = bs_call_named(&injection->caller, "write", args, 3, 0, &written);
        if (error)
            return error;
        if (written != piece)
            return bs_error_create(BS_ERROR_TARGET,
                                   "the agent could not be written into process "
                                   "%d: it is out of memory",
                                   injection->state->pid);
        at += (size_t)piece;
    }
    return NULL;
}

static struct bs_error *make_memfd(struct injection *injection) {
    const uint64_t args[] = {injection->page.addr, MFD_CLOEXEC};
    const struct bs_target *target = &injection->caller.host->target;
    struct bs_error *error = write_text(injection, BS_AGENT_SONAME);
    if (!error) /* what will be needed to undo it comes first */
        error = target->lookup(target->arg, "close", &injection->close_addr);
    if (!error)
        error = bs_call_named(&injection->caller, "memfd_create", args, 2, 0, &injection->fd);
    injection->fd = (uint32_t)injection->fd; /* an int */
    injection->has_fd = !error && injection->fd <= INT32_MAX;
    if (error && error->code == BS_ERROR_NOT_FOUND) { /* a libc before 2.27: by path, then */
        bs_error_destroy(error);
        error = NULL;
    }
    return error;
}

static struct bs_error *close_memfd(struct injection *injection) {
    const uint64_t args[] = {injection->fd};
    if (!injection->has_fd)
        return NULL;
    injection->has_fd = false;
    return bs_call_cleanup(&injection->caller, injection->close_addr, args, 1, NULL, NULL);
}

/*
 * Load through a memfd, with @p needed as a library that the agent needs, or NULL; *ret is 0 where
 * that is not possible here.
 */
static struct bs_error *load_through_memfd(struct injection *injection, const char *needed,
                                           uint64_t *ret) {
    _cleanup_free_ char *data = NULL;
    size_t length;
    char path[64];
    *ret = 0;
    struct bs_error *error = read_library(injection->session->agent_path, &data, &length);
    if (!error && needed && !bs_agent_file_need(data, length, needed))
        return NULL;
    if (!error)
        error = make_memfd(injection);
    if (error || !injection->has_fd)
        return error;
    if (!fill_directly(injection, data, length))
        error = fill_by_calls(injection, data, length);
    if (error)
        return error;
    /* By number, not "self": a debugger opens the library by this name too. */
    int pid = injection->state->pid;
    if (injection->state->kind == BS_HOST_LIVE)
        pid = bs_process_inner_pid(pid);
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, (int)injection->fd);
    return open_library(injection, path, RTLD_NOW, ret);
}

static struct bs_error *load_by_path(const struct injection *injection, uint64_t *ret) {
    char *full = realpath(injection->session->agent_path, NULL);
    struct bs_error *error =
        open_library(injection, full ? full : injection->session->agent_path, RTLD_NOW, ret);
    free(full);
    return error;
}

/* The way out of what the loader says. To add one: a row. */
static const struct hint {
    const char *reason, *hint;
} hints[] = {
    {"undefined symbol: ",
     "; Python's symbols are not global in it: link the program with -rdynamic, or have it load "
     "libpython with RTLD_GLOBAL"},
    {"cannot open shared object file: No such file",
     "; it sees other files than the debugger, and no /proc: mount /proc there, or copy the agent "
     "to that place"},
    {"Too many open files", "; let it open more of them, as with `prlimit --pid PID --nofile=N`"},
};

static struct bs_error *not_loaded(const struct injection *injection) {
    char reason[ERROR_BYTES];
    const char *hint = "";
    read_dlerror(injection, reason);
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (strstr(reason, hints[i].reason))
            hint = hints[i].hint;
    }
    return bs_error_create(BS_ERROR_TARGET, "the agent could not be loaded into process %d: %s%s",
                           injection->state->pid, reason, hint);
}

/*
 * Where Python is a library whose symbols are not global: as a library that needs it. It is there
 * by this path, and not loaded again.
 */
static struct bs_error *load_beside_python(struct injection *injection, uint64_t *ret) {
    const struct bs_interpreter *python = injection->python;
    if (!bs_interpreter_is_library(python))
        return NULL; /* a program is what no library can need */
    struct bs_error *error = close_memfd(injection);
    return error ? error : load_through_memfd(injection, python->module_path, ret);
}

/*
 * The library's handle in the inferior: of the copy that is there already (the loader knows it by
 * its soname, whatever path it came from), or of a new one.
 */
static struct bs_error *get_handle(struct injection *injection, uint64_t *ret) {
    struct bs_error *error = open_library(injection, BS_AGENT_SONAME, RTLD_NOW | RTLD_NOLOAD, ret);
    if (!error && !*ret)
        error = load_through_memfd(injection, NULL, ret);
    if (!error && !*ret)
        error = load_by_path(injection, ret);
    if (error || *ret)
        return error;
    struct bs_error *reason = not_loaded(injection);
    error = load_beside_python(injection, ret);
    if (!error && !*ret)
        return reason;
    bs_error_destroy(reason);
    return error;
}

/*
 * Take the name of a memfd from the loader's list, which stays as long as the process: once the
 * memfd is closed the program gives its number to a file of its own, and a debugger that attaches
 * would open and read that. Debuggers pass over a library without a name, as over the program.
 */
static struct bs_error *forget_name(const struct injection *injection, uint64_t handle) {
    const struct bs_host *host = injection->caller.host;
    const struct bs_target *target = &host->target;
    uint64_t name_addr;
    char name[64];
    int pid, fd;
    struct bs_error *error = target->read(target->arg, handle + offsetof(struct link_map, l_name),
                                          &name_addr, sizeof(name_addr));
    if (!error)
        error = bs_read_string(target, name_addr, "a library's name", name, sizeof(name));
    if (error) /* of the data: a loader whose handles are something else */
        return bs_error_forgive(error);
    return sscanf(name, "/proc/%d/fd/%d", &pid, &fd) == 2
               ? host->write_memory(host->arg, name_addr, "", 1)
               : NULL;
}

static struct bs_error *inject(struct injection *injection, struct bs_agent *ret) {
    const struct bs_target *target = &injection->caller.host->target;
    uint64_t handle = 0;
    struct bs_error *error = get_handle(injection, &handle);
    if (!error)
        error = forget_name(injection, handle);
    if (!error)
        error = find_symbol(injection, handle, "bytesight_start", &ret->start_addr);
    if (!error)
        error = find_symbol(injection, handle, "bytesight_run", &ret->run_addr);
    if (!error)
        error = find_symbol(injection, handle, "bytesight_finish", &ret->finish_addr);
    if (!error)
        error = target->read(target->arg, ret->start_addr, ret->proof, sizeof(ret->proof));
    return error;
}

struct bs_error *bs_agent_suits(const struct bs_session *session,
                                const struct bs_inferior *inferior) {
    const struct bs_interpreter *python = &inferior->python;
    struct bs_elf elf;
    struct bs_error *error = bs_elf_read(python->target, python->module_start_addr, &elf);
    /* What is no module is for others to say. */
    return error ? bs_error_forgive(error) : bs_agent_file_check(session->agent_path, elf.machine);
}

static struct bs_error *load(const struct bs_session *session, const struct bs_caller *caller,
                             const struct bs_inferior *inferior, struct bs_agent *ret,
                             bool *ret_ran) {
    const struct bs_host_state *state = &inferior->state;
    struct injection injection = {.session = session,
                                  .caller = *caller,
                                  .state = state,
                                  .python = &inferior->python,
                                  .ret_ran = ret_ran};
    struct bs_agent agent = {.pid = state->pid};
    if (state->kind == BS_HOST_LIVE)
        agent.start_time = bs_process_start_time(state->pid);
    struct bs_error *error = bs_agent_suits(session, inferior);
    if (!error)
        error = bs_page_map(caller, PAGE_BYTES, &injection.page);
    if (error)
        return error;
    error = inject(&injection, &agent);
    error = bs_error_first(error, close_memfd(&injection));
    error = bs_error_first(error, bs_page_unmap(caller, &injection.page));
    if (!error)
        *ret = agent;
    return error;
}

static struct bs_error *check_there(const struct bs_agent *agent, const struct bs_host *host,
                                    bool *ret) {
    uint8_t proof[BS_AGENT_PROOF_MAX];
    struct bs_error *error =
        host->target.read(host->target.arg, agent->start_addr, proof, sizeof(proof));
    *ret = !error && !memcmp(proof, agent->proof, sizeof(proof));
    return bs_error_forgive(error);
}

struct bs_error *bs_agent_known(struct bs_session *session, const struct bs_host *host,
                                const struct bs_host_state *state, const struct bs_agent **ret) {
    uint64_t start_time = state->kind == BS_HOST_LIVE ? bs_process_start_time(state->pid) : 0;
    struct bs_error *error = NULL;
    bool there = false;
    size_t i = 0;
    for (; i < session->agent_count && !there && !error; i++) {
        const struct bs_agent *agent = &session->agents[i];
        if (agent->pid == state->pid && agent->start_time == start_time)
            error = check_there(agent, host, &there);
    }
    if (!error)
        *ret = there ? &session->agents[i - 1] : NULL;
    return error;
}

static const struct bs_agent *remember(struct bs_session *session, const struct bs_agent *agent) {
    if (session->agent_count == BS_AGENTS_MAX) {
        session->agent_count--;
        memmove(&session->agents[0], &session->agents[1],
                session->agent_count * sizeof(session->agents[0]));
    }
    session->agents[session->agent_count] = *agent;
    return &session->agents[session->agent_count++];
}

struct bs_error *bs_agent_load(struct bs_session *session, const struct bs_caller *caller,
                               const struct bs_inferior *inferior, const struct bs_agent **ret,
                               bool *ret_ran) {
    struct bs_agent agent;
    *ret_ran = false;
    struct bs_error *error = bs_agent_known(session, caller->host, &inferior->state, ret);
    if (error || *ret)
        return error;
    error = load(session, caller, inferior, &agent, ret_ran);
    if (!error)
        *ret = remember(session, &agent);
    return error;
}
