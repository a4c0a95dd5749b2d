#include "command/watch.h"

#include "command/clock.h"
#include "command/process.h"

#include <signal.h>

#define POLL_NS        (15 * BS_NS_PER_MS)
#define CANCEL_WAIT_NS (1 * BS_NS_PER_S) /* for the watcher to obey */
#define KILL_WAIT_NS   (1 * BS_NS_PER_S) /* for the kernel to */
#define GRACE_NS       (5 * BS_NS_PER_S) /* past the deadline that the watcher keeps */

/* The watcher is dead when its heart has not beaten for so long, and we looked so often. */
#define STALE_NS    (2 * BS_NS_PER_S)
#define STALE_POLLS 50

/* A mapping larger than this is not one. */
#define MAPPING_BYTES_MAX (1ull << 42)

static const char *const phases[] = {
    [BS_PHASE_RESOLVE] = "Looking up names", [BS_PHASE_CALIBRATE] = "Calibrating",
    [BS_PHASE_WARM_UP] = "Warming up",       [BS_PHASE_TIME] = "Timing the whole call",
    [BS_PHASE_MEASURE] = "Timing opcodes",   [BS_PHASE_TRACE] = "Tracing",
    [BS_PHASE_WALK] = "Walking C functions",
};

struct bs_error *bs_shared_read(const struct bs_memory *memory, uint64_t shared_addr,
                                struct bs_shared *ret) {
    struct bs_error *error = bs_memory_read(memory, shared_addr, ret, sizeof(*ret));
    if (error)
        return error;
    if (ret->magic != BS_IMAGE_MAGIC || ret->mapping_bytes > MAPPING_BYTES_MAX ||
        ret->image_offset_bytes < sizeof(*ret) || ret->image_offset_bytes > ret->mapping_bytes ||
        ret->mapping_bytes - ret->image_offset_bytes < sizeof(struct bs_image_header))
        return bs_error_create(BS_ERROR_CORRUPT,
                               "the memory shared with the clone (at 0x%llx) was overwritten",
                               (unsigned long long)shared_addr);
    return NULL;
}

/* Whether the run is over, for the waits below: true as well when that can no longer be read. */
static bool is_over(const struct bs_watch *watch) {
    struct bs_shared shared;
    struct bs_error *error = bs_shared_read(&watch->inferior->memory, watch->shared_addr, &shared);
    bool over = error ? error->code != BS_ERROR_INTERRUPTED : shared.state == BS_STATE_DONE;
    bs_error_destroy(error);
    return over;
}

/* In process nobody is there to obey: it only has the agent know, and there is no waiting for it.
 */
static void ask_to_stop(const struct bs_watch *watch, bool wait) {
    const uint32_t yes = 1;
    uint64_t addr = watch->shared_addr + offsetof(struct bs_shared, cancel);
    uint64_t start_ns = bs_clock_now_ns();
    struct bs_error *error = bs_memory_write(&watch->inferior->memory, addr, &yes, sizeof(yes));
    if (error && error->code == BS_ERROR_INTERRUPTED) { /* a second Ctrl-C */
        bs_error_destroy(error);
        error = bs_memory_write(&watch->inferior->memory, addr, &yes, sizeof(yes));
    }
    while (wait && !error && !is_over(watch) && bs_clock_now_ns() - start_ns < CANCEL_WAIT_NS)
        bs_clock_sleep_ns(POLL_NS);
    bs_error_destroy(error);
}

/* Kill worker and watcher; they are looked for by parent and number, so that no other is hit. */
static void kill_processes(const struct bs_watch *watch, const struct bs_shared *shared) {
    const struct bs_host_state *state = &watch->inferior->state;
    if (state->kind != BS_HOST_LIVE || shared->watcher_pid <= 0)
        return;
    int watcher = bs_process_child(state->pid, shared->watcher_pid);
    if (!watcher)
        return;
    int worker = shared->worker_pid > 0 ? bs_process_child(watcher, shared->worker_pid) : 0;
    if (worker)
        kill(worker, SIGKILL);
    kill(watcher, SIGKILL);
    uint64_t start_ns = bs_clock_now_ns();
    while (bs_process_child(state->pid, shared->watcher_pid) &&
           bs_clock_now_ns() - start_ns < KILL_WAIT_NS)
        bs_clock_sleep_ns(POLL_NS);
}

/* Does nothing to a run that is over. */
void bs_watch_stop(const struct bs_watch *watch) {
    struct bs_shared shared;
    struct bs_error *error = bs_shared_read(&watch->inferior->memory, watch->shared_addr, &shared);
    bs_progress_deinit(watch->progress);
    if (!error && shared.state != BS_STATE_DONE)
        ask_to_stop(watch, shared.watcher_pid > 0);
    if (!error)
        kill_processes(watch, &shared); /* which finds none when they have obeyed */
    bs_error_destroy(error);
}

static const char *phase_name(uint32_t phase) {
    return phase < sizeof(phases) / sizeof(phases[0]) ? phases[phase] : "Working";
}

/* What the polls so far have seen of the watcher's heart. */
struct heart {
    uint64_t beat, beat_ns;
    unsigned int polls;
};

static bool is_stale(struct heart *heart, uint64_t beat, uint64_t now_ns) {
    if (beat != heart->beat || !heart->beat_ns)
        *heart = (struct heart){.beat = beat, .beat_ns = now_ns};
    return ++heart->polls > STALE_POLLS && now_ns - heart->beat_ns > STALE_NS;
}

/* One look at a run that is not over; an error ends it. */
static struct bs_error *look(const struct bs_watch *watch, const struct bs_shared *shared,
                             struct heart *heart, uint64_t start_ns) {
    const struct bs_host *host = watch->inferior->host;
    uint64_t now_ns = bs_clock_now_ns();
    bs_progress_update(watch->progress, phase_name(shared->phase), shared->done, shared->total);
    if (host->interrupted(host->arg))
        return &bs_interrupted;
    if (is_stale(heart, shared->heartbeat, now_ns))
        return bs_error_create(BS_ERROR_TARGET,
                               "the process that watches the clone has died or is stopped (%s), so "
                               "the run was given up; the debugged process is unharmed",
                               phase_name(shared->phase));
    if (now_ns - start_ns > watch->timeout_ns + GRACE_NS)
        return bs_error_create(BS_ERROR_TARGET,
                               "the run did not end at its deadline (%s), and was given up; the "
                               "debugged process is unharmed",
                               phase_name(shared->phase));
    return NULL;
}

/* The memory of a process that is killed goes some time before the process does. */
static bool has_died(int pid) {
    uint64_t start_ns = bs_clock_now_ns();
    while (bs_process_lives(pid) && bs_clock_now_ns() - start_ns < KILL_WAIT_NS)
        bs_clock_sleep_ns(POLL_NS);
    return !bs_process_lives(pid);
}

/* Why the mapping cannot be read any more. */
static struct bs_error *explain(const struct bs_watch *watch, struct bs_error *error) {
    const struct bs_host_state *state = &watch->inferior->state;
    if (error->code == BS_ERROR_INTERRUPTED || state->kind != BS_HOST_LIVE || !has_died(state->pid))
        return error;
    bs_error_destroy(error);
    return bs_error_create(BS_ERROR_TARGET,
                           "process %d was killed while CALL ran in a clone of it, and the clone "
                           "has ended with it",
                           state->pid);
}

struct bs_error *bs_watch(const struct bs_watch *watch, struct bs_shared *ret) {
    struct heart heart = {};
    uint64_t start_ns = bs_clock_now_ns();
    for (;;) {
        struct bs_shared shared = {};
        struct bs_error *error =
            bs_shared_read(&watch->inferior->memory, watch->shared_addr, &shared);
        if (!error && shared.state == BS_STATE_DONE) {
            *ret = shared;
            return NULL;
        }
        error = error ? explain(watch, error) : look(watch, &shared, &heart, start_ns);
        if (error) {
            bs_watch_stop(watch);
            return error;
        }
        bs_clock_sleep_ns(POLL_NS);
    }
}
