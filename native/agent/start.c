/*
 * The functions that the debugger calls. In the inferior they make system calls and nothing else,
 * but for bytesight_run: no lock is taken, nothing is allocated, no Python is run, and errno stays
 * as it was.
 */
#include "agent/clock.h"
#include "agent/interrupt.h"
#include "agent/output.h"
#include "agent/process.h"
#include "agent/run.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

#define PAGE_BYTES       4096u
#define MAX_EVENTS_LIMIT (1u << 28) /* code numbers and offsets of the image are 32 bits */
/* How long finish tries: at once, as a rule, but a large process takes its time to end. */
#define REAP_NS 1000000000u

EXPORT int64_t bytesight_start(struct bs_request *request);
EXPORT int64_t bytesight_run(struct bs_shared *shared);
EXPORT int64_t bytesight_finish(struct bs_shared *shared);

/*
 * The run that is under way. The debugger may have lost its address, and may start one at a time.
 * What finish needs is kept here, in memory of our own: the clone may write anything to the other.
 */
static struct {
    struct control *control; /* NULL: there is none */
    uint64_t mapping_bytes;
    pid_t watcher; /* 0: none, or bytesight_start was cut short */
    bool in_process;
    bool running; /* a thread is in bytesight_run, or it crashed there */
} under_way;

static bool is_good(const struct bs_request *request) {
    return request->magic == BS_REQUEST_MAGIC && request->version == BS_REQUEST_VERSION &&
           request->size_bytes == sizeof(*request) && request->call_bytes <= BS_CALL_BYTES_MAX &&
           request->candidates <= BS_TABLE_CANDIDATES_MAX && request->max_events &&
           request->max_events <= MAX_EVENTS_LIMIT;
}

/*
 * Memory of which only what is used will cost any, also in a process that locks all that it will
 * map (mlockall): what cannot be read is not made when it is mapped. NULL: errno says why.
 */
static void *map(uint64_t bytes, int sharing) {
    void *memory = mmap(NULL, bytes, PROT_NONE, sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        if (errno == EAGAIN) /* more than it may lock */
            errno = ENOMEM;
        return NULL;
    }
    munlock(memory, bytes);
    if (!mprotect(memory, bytes, PROT_READ | PROT_WRITE))
        return memory;
    int error = errno;
    munmap(memory, bytes);
    errno = error;
    return NULL;
}

static struct control *map_control(const struct bs_request *request) {
    const uint64_t head = (sizeof(struct control) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    const uint64_t bytes = head + bs_output_image_bytes(request);
    /* In our own process it is not shared: children that CALL forks must not write to it. */
    struct control *control =
        map(bytes, request->flags & BS_REQUEST_IN_PROCESS ? MAP_PRIVATE : MAP_SHARED);
    if (!control)
        return NULL;
    control->request = *request;
    control->parent_pid = getpid();
    control->started_ns = bs_clock_system_ns();
    control->shared.magic = BS_IMAGE_MAGIC;
    control->shared.mapping_bytes = bytes;
    control->shared.image_offset_bytes = head;
    bs_output_lay_out(bs_control_image(control), request);
    return control;
}

/* Clone the watcher, with all signals blocked in it from its first instruction on. */
static pid_t start_watcher(struct control *control) {
    sigset_t all, mask;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &mask);
    control->mask = mask;
    pid_t pid = bs_process_clone(0);
    if (!pid)
        bs_watch(control);
    int error = errno;
    sigprocmask(SIG_SETMASK, &mask, NULL);
    errno = error;
    return pid;
}

static int64_t finish(struct bs_shared *shared);

/* A run whose debugger was killed before it could finish it, unless this thread is still in it. */
static bool end_forgotten(void) {
    return !under_way.control || under_way.running || !finish(NULL);
}

static int64_t start(const struct bs_request *request) {
    if (!is_good(request))
        return -EINVAL;
    if (!(request->flags & BS_REQUEST_IN_PROCESS) && bs_process_starts_apart())
        return -EXDEV;
    if (!end_forgotten())
        return -EBUSY;
    struct control *control = map_control(request);
    if (!control)
        return -errno;
    under_way = (typeof(under_way)){
        .control = control,
        .mapping_bytes = control->shared.mapping_bytes,
        .in_process = request->flags & BS_REQUEST_IN_PROCESS,
    };
    if (under_way.in_process) {
        bs_interrupt_catch();
        return (int64_t)(intptr_t)control;
    }
    pid_t watcher = start_watcher(control);
    if (watcher < 0) {
        int error = errno;
        under_way.control = NULL;
        munmap(control, under_way.mapping_bytes);
        return -error;
    }
    under_way.watcher = watcher;
    control->shared.watcher_pid = watcher;
    return (int64_t)(intptr_t)control;
}

int64_t bytesight_start(struct bs_request *request) {
    int error = errno;
    int64_t result = start(request);
    errno = error;
    return result;
}

int64_t bytesight_run(struct bs_shared *shared) {
    struct control *control = (struct control *)shared;
    int error = errno;
    if (!control || control != under_way.control || !under_way.in_process)
        return -EINVAL;
    under_way.running = true;
    bs_work_in_process(control);
    under_way.running = false;
    errno = error;
    return 0;
}

/* Whether the watcher has been reaped, or is not there any more. */
static bool reap(pid_t watcher) {
    const uint64_t until_ns = bs_clock_system_ns() + REAP_NS;
    while (!waitpid(watcher, NULL, WNOHANG | __WALL)) {
        if (bs_clock_system_ns() > until_ns)
            return false;
        sched_yield();
    }
    return true; /* also when a wait() of the program's own took it */
}

/*
 * A watcher that is still at work is told to end, so that it takes with it what CALL started; one
 * that does not obey is killed, and the worker dies with it.
 */
static bool end_watcher(struct bs_shared *shared) {
    /* It says its number itself, in case bytesight_start could not. */
    const pid_t watcher = under_way.watcher ? under_way.watcher : shared->watcher_pid;
    if (watcher <= 0)
        return true;
    atomic_store(&shared->cancel, 1);
    if (reap(watcher))
        return true;
    kill(watcher, SIGKILL);
    return reap(watcher);
}

static void finish_in_process(struct bs_shared *shared) {
    if (atomic_load(&shared->state) != BS_STATE_DONE)
        bs_run_abandon();
    bs_interrupt_release();
}

static int64_t finish(struct bs_shared *shared) {
    struct control *control = under_way.control;
    if (!control)
        return shared ? -EINVAL : 0;
    if (shared && shared != &control->shared)
        return -EINVAL;
    if (under_way.in_process)
        finish_in_process(&control->shared);
    else if (!end_watcher(&control->shared))
        return -EAGAIN;
    under_way.control = NULL;
    return munmap(control, under_way.mapping_bytes) ? -errno : 0;
}

int64_t bytesight_finish(struct bs_shared *shared) {
    int error = errno;
    int64_t result = finish(shared);
    errno = error;
    return result;
}
