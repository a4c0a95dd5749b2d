#include "process_host.h"

#include "check.h"
#include "machine.h"
#include "process_symbols.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS (PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK)

#define RUN_TO_MS 10000

struct process_thread {
    int tid;
    bool stopped;
    int held_signal; /* arrived while we were looking; delivered when it goes on */
};

static void sleep_ms(unsigned int ms) {
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

/* Threads */

static struct process_thread *find_thread(struct process_host *process, int tid) {
    for (size_t i = 0; i < process->thread_count; i++) {
        if (process->threads[i].tid == tid)
            return &process->threads[i];
    }
    return NULL;
}

/* Seize the threads that are there and not ours yet; how many those were. */
static size_t seize_new(struct process_host *process) {
    char path[32];
    size_t seized = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", process->state.pid);
    DIR *task = opendir(path);
    for (struct dirent *entry; task && (entry = readdir(task));) {
        int tid = atoi(entry->d_name);
        if (tid <= 0 || find_thread(process, tid) || ptrace(PTRACE_SEIZE, tid, 0, OPTIONS))
            continue;
        process->threads =
            reallocarray(process->threads, process->thread_count + 1, sizeof(*process->threads));
        if (!process->threads)
            abort();
        process->threads[process->thread_count++] = (struct process_thread){.tid = tid};
        seized++;
    }
    if (task)
        closedir(task);
    return seized;
}

static bool is_event(int status) {
    return status >> 16;
}

/* Wait until @p thread stops; false when it is gone. */
static bool wait_stopped(struct process_thread *thread, int *ret_status) {
    int status = 0;
    while (waitpid(thread->tid, &status, __WALL) < 0 && errno == EINTR)
        continue;
    *ret_status = status;
    thread->stopped = WIFSTOPPED(status);
    return thread->stopped;
}

static void stop_thread(struct process_thread *thread) {
    int status;
    if (thread->stopped)
        return;
    ptrace(PTRACE_INTERRUPT, thread->tid, 0, 0);
    if (wait_stopped(thread, &status) && !is_event(status))
        thread->held_signal = WSTOPSIG(status);
}

static void stop_all(struct process_host *process) {
    do {
        for (size_t i = 0; i < process->thread_count; i++)
            stop_thread(&process->threads[i]);
    } while (seize_new(process));
}

static void continue_thread(struct process_thread *thread) {
    if (!thread->stopped)
        return;
    ptrace(PTRACE_CONT, thread->tid, 0, thread->held_signal);
    thread->held_signal = 0;
    thread->stopped = false;
}

static void forget_symbols(struct process_host *process) {
    process_symbols_destroy(process->symbols);
    process->symbols = NULL;
}

static void continue_all(struct process_host *process) {
    forget_symbols(process);
    for (size_t i = 0; i < process->thread_count; i++)
        continue_thread(&process->threads[i]);
}

void process_host_run(struct process_host *process, unsigned int ms) {
    continue_all(process);
    sleep_ms(ms);
    stop_all(process);
}

/* Registers */

static bool get_general(int tid, struct user_regs_struct *ret) {
    struct iovec general = {ret, sizeof(*ret)};
    return !ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &general);
}

static bool set_general(int tid, struct user_regs_struct *registers) {
    struct iovec general = {registers, sizeof(*registers)};
    return !ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &general);
}

static bool get_registers(int tid, struct machine_registers *ret) {
    struct iovec more = {ret->more, sizeof(ret->more)};
    if (!get_general(tid, &ret->general) || ptrace(PTRACE_GETREGSET, tid, machine.more, &more))
        return false;
    ret->more_bytes = more.iov_len;
    return true;
}

static bool set_registers(int tid, struct machine_registers *registers) {
    struct iovec more = {registers->more, registers->more_bytes};
    return set_general(tid, &registers->general) &&
           !ptrace(PTRACE_SETREGSET, tid, machine.more, &more);
}

/* Memory: what the kernel lets a tracer do */

static bool transfer(int pid, uint64_t addr, void *data, size_t length, bool write) {
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ssize_t done = -1;
    if (fd >= 0 && addr <= INT64_MAX)
        done = write ? pwrite(fd, data, length, (off_t)addr) : pread(fd, data, length, (off_t)addr);
    if (fd >= 0)
        close(fd);
    return done == (ssize_t)length;
}

/* Calls */

static const char *run_call(struct process_thread *thread, uint64_t *ret) {
    for (;;) {
        struct user_regs_struct now;
        int status;
        ptrace(PTRACE_CONT, thread->tid, 0, 0);
        thread->stopped = false;
        if (!wait_stopped(thread, &status))
            return "the process ended during the call";
        if (is_event(status)) {
            int event = status >> 16;
            if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK ||
                event == PTRACE_EVENT_VFORK)
                return "the call made a process that debuggers see";
            continue;
        }
        const bool nowhere = get_general(thread->tid, &now) && !machine_pc(&now);
        if (WSTOPSIG(status) == SIGSEGV && nowhere) { /* it has returned */
            *ret = machine_result(&now);
            return NULL;
        }
        if (WSTOPSIG(status) == SIGSEGV || WSTOPSIG(status) == SIGABRT ||
            WSTOPSIG(status) == SIGILL || WSTOPSIG(status) == SIGBUS)
            return "the called function crashed";
        thread->held_signal = WSTOPSIG(status);
    }
}

static const char *call_function(struct process_host *process, struct process_thread *thread,
                                 uint64_t function_addr, const uint64_t *args, size_t arg_count,
                                 uint64_t *ret) {
    struct machine_registers saved;
    const uint64_t nowhere = 0;
    uint64_t padded[BS_CALL_ARGS_MAX] = {};
    if (!get_registers(thread->tid, &saved))
        return "the registers cannot be read";
    if (arg_count)
        memcpy(padded, args, arg_count * sizeof(*args));
    struct user_regs_struct call = saved.general;
    machine_enter(&call, function_addr, padded);
    if (!transfer(process->state.pid, machine_sp(&call), (void *)&nowhere, sizeof(nowhere), true) ||
        !set_general(thread->tid, &call))
        return "the call cannot be set up";
    const char *failure = run_call(thread, ret);
    if (thread->stopped && !set_registers(thread->tid, &saved))
        return "the registers cannot be put back";
    return failure;
}

/* The callbacks */

static struct bs_error *count(struct process_host *process) {
    if (++process->callbacks != process->interrupt_at)
        return NULL;
    return &bs_interrupted;
}

static struct process_symbols *symbols_of(struct process_host *process) {
    if (!process->symbols)
        process->symbols = process_symbols_create(process->state.pid);
    CHECK(process->symbols != NULL);
    return process->symbols;
}

static struct bs_error *host_read(void *arg, uint64_t addr, void *ret, size_t length) {
    struct process_host *process = arg;
    struct bs_error *error = count(process);
    if (!error && !transfer(process->state.pid, addr, ret, length, false))
        error = bs_error_fault(addr, "memory");
    return error;
}

static struct bs_error *host_write_memory(void *arg, uint64_t addr, const void *data,
                                          size_t length) {
    struct process_host *process = arg;
    struct bs_error *error = count(process);
    if (!error && !transfer(process->state.pid, addr, (void *)data, length, true))
        error = bs_error_fault(addr, "memory");
    return error;
}

static struct bs_error *host_lookup(void *arg, const char *name, uint64_t *ret_addr) {
    struct process_host *process = arg;
    struct bs_error *error = count(process);
    if (error)
        return error;
    uint64_t addr = process_symbols_lookup(symbols_of(process), name);
    if (!addr)
        return bs_error_create(BS_ERROR_NOT_FOUND, "there is no symbol %s", name);
    *ret_addr = addr;
    return NULL;
}

struct give_module {
    const char *upgraded;
    bs_module_fn fn;
    void *arg;
};

static bool give_module(void *arg, const struct bs_module *module) {
    const struct give_module *give = arg;
    struct bs_module given = *module;
    if (give->upgraded && strstr(module->path, give->upgraded))
        given.build_id = "0123456789abcdef0123456789abcdef01234567";
    return give->fn(give->arg, &given);
}

static struct bs_error *host_modules(void *arg, bs_module_fn fn, void *fn_arg) {
    struct process_host *process = arg;
    struct give_module give = {.upgraded = process->upgraded, .fn = fn, .arg = fn_arg};
    struct bs_error *error = count(process);
    if (!error)
        process_symbols_modules(symbols_of(process), give_module, &give);
    return error;
}

static struct bs_error *host_state(void *arg, struct bs_host_state *ret) {
    struct process_host *process = arg;
    struct bs_error *error = count(process);
    if (error)
        return error;
    *ret = process->state;
    if (process->through_host)
        ret->kind = BS_HOST_REMOTE;
    return NULL;
}

static struct bs_error *host_threads(void *arg, bs_thread_fn fn, void *fn_arg) {
    struct process_host *process = arg;
    struct bs_error *error = count(process);
    for (size_t i = 0; !error && i < process->thread_count; i++) {
        if (!fn(fn_arg, process->threads[i].tid))
            break;
    }
    return error;
}

static struct bs_error *host_walk(void *arg, int tid, bs_native_frame_fn fn, void *fn_arg) {
    struct bs_error *error = count(arg);
    if (!error && !process_symbols_walk(symbols_of(arg), tid, fn, fn_arg))
        error = bs_error_create(BS_ERROR_HOST, "there is no stack of thread %d", tid);
    return error;
}

static struct bs_error *host_describe(void *arg, uint64_t addr, bs_symbol_fn fn, void *fn_arg) {
    struct bs_error *error = count(arg);
    if (!error)
        process_symbols_describe(symbols_of(arg), addr, fn, fn_arg);
    return error;
}

static struct bs_error *host_call(void *arg, int tid, uint64_t function_addr, const uint64_t *args,
                                  size_t arg_count, uint32_t flags, uint64_t *ret) {
    struct process_host *process = arg;
    struct process_thread *thread = find_thread(process, tid);
    struct bs_error *error = count(process);
    if (error)
        return error;
    if (!thread)
        return bs_error_create(BS_ERROR_HOST, "there is no thread %d", tid);
    const bool others_run = flags & (BS_CALL_ALL_THREADS | BS_CALL_MAY_WAIT);
    for (size_t i = 0; others_run && i < process->thread_count; i++) {
        if (process->threads[i].tid != tid)
            continue_thread(&process->threads[i]);
    }
    const char *failure = call_function(process, thread, function_addr, args, arg_count, ret);
    if (others_run) {
        stop_all(process);
        forget_symbols(process);
    }
    return failure ? bs_error_create(BS_ERROR_HOST, "%s", failure) : NULL;
}

static bool host_interrupted(void *arg) {
    struct process_host *process = arg;
    struct bs_error *error = count(process);
    process->interrupted |= error != NULL;
    bs_error_destroy(error);
    return process->interrupted;
}

static struct bs_error *host_write(void *arg, const char *data, size_t length,
                                   const struct bs_span *spans, size_t span_count, bool no_color) {
    struct process_host *process = arg;
    struct bs_error *error = count(process);
    if (!error)
        bs_buffer_append(&process->output, data, length);
    return error;
}

static void host_progress(void *arg, const char *text) {
    struct process_host *process = arg;
    process->progress_shown = *text;
    process->progress_drawn += *text != 0;
}

/* The process */

struct process_host *process_host_attach(pid_t pid) {
    struct process_host *process = calloc(1, sizeof(*process));
    if (!process)
        abort();
    process->state = (struct bs_host_state){.kind = BS_HOST_LIVE, .pid = pid, .selected_tid = pid};
    process->host = (struct bs_host){
        .arg = process,
        .target = {.arg = process,
                   .read = host_read,
                   .lookup = host_lookup,
                   .modules = host_modules},
        .write_memory = host_write_memory,
        .state = host_state,
        .threads = host_threads,
        .walk = host_walk,
        .describe = host_describe,
        .call = host_call,
        .interrupted = host_interrupted,
        .write = host_write,
        .progress = host_progress,
    };
    seize_new(process);
    stop_all(process);
    if (CHECK(process->thread_count && process->threads[0].stopped))
        return process;
    process_host_detach(process);
    return NULL;
}

void process_host_detach(struct process_host *process) {
    forget_symbols(process);
    for (size_t i = 0; i < process->thread_count; i++)
        ptrace(PTRACE_DETACH, process->threads[i].tid, 0, process->threads[i].held_signal);
    bs_buffer_deinit(&process->output);
    free(process->threads);
    free(process);
}

/* Wait until @p thread hits a breakpoint; signals of its own go on to it. */
static bool wait_for_trap(struct process_thread *thread) {
    int status = 0;
    for (unsigned int ms = 0; ms < RUN_TO_MS; ms++) {
        if (waitpid(thread->tid, &status, __WALL | WNOHANG) != thread->tid) {
            sleep_ms(1);
            continue;
        }
        thread->stopped = WIFSTOPPED(status);
        if (!thread->stopped || (WSTOPSIG(status) == SIGTRAP && !is_event(status)))
            return thread->stopped;
        thread->held_signal = is_event(status) ? 0 : WSTOPSIG(status);
        continue_thread(thread);
    }
    return false;
}

bool process_host_run_to(struct process_host *process, int tid, uint64_t addr) {
    struct process_thread *thread = find_thread(process, tid);
    uint8_t original[sizeof(machine.breakpoint)];
    const size_t length = machine.breakpoint_bytes;
    if (!thread || !transfer(process->state.pid, addr, original, length, false) ||
        !transfer(process->state.pid, addr, (void *)machine.breakpoint, length, true))
        return false;
    continue_all(process);
    bool hit = wait_for_trap(thread);
    stop_all(process);
    transfer(process->state.pid, addr, original, length, true);
    struct user_regs_struct now;
    if (hit && process_host_registers(process, tid, &now)) {
        machine_set_pc(&now, addr);
        set_general(tid, &now);
    }
    return hit;
}

bool process_host_step(struct process_host *process, int tid) {
    struct process_thread *thread = find_thread(process, tid);
    int status;
    if (!thread || ptrace(PTRACE_SINGLESTEP, tid, 0, 0) || !wait_stopped(thread, &status))
        return false;
    if (WSTOPSIG(status) != SIGTRAP)
        thread->held_signal = WSTOPSIG(status);
    return true;
}

bool process_host_registers(struct process_host *process, int tid, struct user_regs_struct *ret) {
    return find_thread(process, tid) && get_general(tid, ret);
}

uint64_t process_host_symbol(struct process_host *process, const char *name) {
    return process_symbols_lookup(symbols_of(process), name);
}

const char *process_host_output(struct process_host *process) {
    bs_buffer_char(&process->output, '\0');
    process->output.length--;
    return process->output.data;
}
