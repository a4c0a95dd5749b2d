/*
 * The watcher: between the inferior and the worker. It runs no Python, takes no lock, and never
 * waits for long, so that it always answers: it keeps the deadline, obeys `cancel`, and reports
 * how the worker ended.
 */
#include "agent/clock.h"
#include "agent/copy/files.h"
#include "agent/copy/standard_error.h"
#include "agent/gil.h"
#include "agent/heal.h"
#include "agent/output.h"
#include "agent/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_NS      5000000
#define TRACER_TICKS 20          /* between looks for the debugger */
#define STARTING_NS  3000000000u /* for the worker to come to STAGE_RUN */
/* What CALL left behind is ended for so long at most, or until for so many ms nothing has died. */
#define LEFTOVERS_NS   2000000000u
#define LEFTOVER_TRIES 200

/* What it means that the worker does not get past a stage: something waits for a lost thread. */
static const char *const stuck[] = {
    [STAGE_ISOLATE] = "the copy of the process could not be isolated in time",
    [STAGE_MEMORY] = "another thread was in the memory allocator when the process was copied: "
                     "continue for a moment and try again",
    [STAGE_LOOKUP] = "another thread was in the dynamic loader when the process was copied: "
                     "continue for a moment and try again",
    [STAGE_POOLS] = "another thread was in a library that computes in several threads when the "
                    "process was copied: continue for a moment and try again",
    [STAGE_GIL] = GIL_HELD,
    [STAGE_NAMES] = "the names of the frame could not be read in time: continue for a moment and "
                    "try again",
    [STAGE_WAITERS] = "another thread was just asking for the GIL when the process was copied: "
                      "continue for a moment and try again",
    [STAGE_HOOKS] = "a fork hook of the program waits for another thread, an import or a log for "
                    "instance: continue for a moment and try again",
};

/* By the time that it is ended for being before STAGE_RUN, the worker may have come there. */
static const char *what_stuck(uint32_t stage) {
    if (stage < sizeof(stuck) / sizeof(stuck[0]))
        return stuck[stage];
    return "the copy of the process was not ready in time: continue for a moment and try again";
}

_Noreturn static void end(struct control *control) {
    atomic_store(&control->shared.state, BS_STATE_DONE);
    _exit(0);
}

/* Whether the worker has ended, and how. Ticks once while it has not. */
static bool has_ended(pid_t worker, int *ret_status) {
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    if (waitpid(worker, ret_status, WNOHANG | __WALL) != 0)
        return true;
    /* Its end wakes us at once. */
    sigtimedwait(&children, NULL, &(struct timespec){.tv_nsec = TICK_NS});
    return false;
}

/*
 * Whether the debugger was there and is not any more: it was killed, and nobody waits for this run.
 * One that traces from outside of our PID namespace, or by an emulator, is never seen.
 */
static bool is_abandoned(const struct control *control) {
    static unsigned int ticks;
    return control->tracer_pid > 0 && ++ticks % TRACER_TICKS == 0 &&
           !bs_process_tracer(control->parent_pid);
}

/* Why the worker has to be ended now: an outcome, or NONE. */
static enum bs_outcome reason_to_end(const struct control *control) {
    const uint64_t passed_ns = bs_clock_system_ns() - control->started_ns;
    const uint64_t timeout_ns = control->request.timeout_ns;
    if (atomic_load(&control->shared.cancel) || is_abandoned(control))
        return BS_OUTCOME_INTERRUPTED;
    if (timeout_ns && passed_ns > timeout_ns)
        return BS_OUTCOME_TIMED_OUT;
    if (passed_ns > STARTING_NS && atomic_load(&control->stage) < STAGE_RUN)
        return BS_OUTCOME_REFUSED;
    return BS_OUTCOME_NONE;
}

/* Whether a process ends of @p status when it gave up by itself, and not for a fault. */
static bool gave_up(int status) {
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    /* Of abort(), g_error() and Rust's abort. */
    return !signal || signal == SIGABRT || signal == SIGTRAP || signal == SIGILL;
}

/* The worker ended by itself, and had no time to say why, unless by last words. */
static void report_status(struct control *control, int status) {
    struct bs_image_header *image = bs_control_image(control);
    const bool crashed = WIFSIGNALED(status);
    const enum bs_outcome outcome = crashed ? BS_OUTCOME_CRASHED : BS_OUTCOME_EXITED;
    const bool has_said = control->last_words[0];
    if (!has_said && gave_up(status))
        bs_standard_error_words(control->standard_error, control->last_words, LAST_WORDS_BYTES);
    bs_output_outcome(image, outcome, control->last_words);
    image->outcome_number = crashed ? WTERMSIG(status) : WEXITSTATUS(status);
    if (!crashed && !has_said)
        image->fault_addr = 0;
}

static void report(struct control *control, enum bs_outcome ended_for, int status) {
    struct bs_image_header *image = bs_control_image(control);
    if (atomic_load(&control->finished))
        return; /* the worker has said it itself, whatever happened afterwards */
    if (ended_for == BS_OUTCOME_REFUSED) {
        bs_output_outcome(image, ended_for, what_stuck(atomic_load(&control->stage)));
        return;
    }
    if (!ended_for) {
        report_status(control, status);
        return;
    }
    image->outcome = ended_for;
    image->outcome_text = 0;
    image->fault_addr = 0;
}

/* Kill every process that the kernel lists as a child of ours: numbers, a space after each. */
static void kill_children(void) {
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    pid_t pid = 0; /* as far as it has been read */
    for (ssize_t length; fd >= 0 && (length = read(fd, text, sizeof(text))) > 0;) {
        for (ssize_t i = 0; i < length; i++) {
            const bool digit = text[i] >= '0' && text[i] <= '9';
            if (!digit && pid > 0)
                kill(pid, SIGKILL);
            pid = digit ? 10 * pid + (text[i] - '0') : 0;
        }
    }
    if (fd >= 0)
        close(fd);
}

/* Processes that CALL left behind have come to us, as the nearest reaper: none outlives the run. */
static void end_leftovers(void) {
    const uint64_t until_ns = bs_clock_system_ns() + LEFTOVERS_NS;
    for (int i = 0; i < LEFTOVER_TRIES && bs_clock_system_ns() < until_ns;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL);
        if (pid < 0)
            return;
        if (pid) {
            i = 0; /* only waiting in vain counts */
            continue;
        }
        kill_children();
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        i++;
    }
}

static void watch(struct control *control, pid_t worker) {
    enum bs_outcome ended_for = BS_OUTCOME_NONE;
    int status = 0;
    while (!has_ended(worker, &status)) {
        atomic_fetch_add(&control->shared.heartbeat, 1);
        bs_standard_error_trim(control->standard_error);
        if (!ended_for && (ended_for = reason_to_end(control)))
            kill(worker, SIGKILL);
    }
    report(control, ended_for, status);
}

static void unblock_breakpoints(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTRAP);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

_Noreturn void bs_watch(struct control *control) {
    bs_process_follow(control->parent_pid);
    bs_heal_install(bs_control_image(control));
    unblock_breakpoints();
    setsid(); /* what is typed at the program's terminal is not for us */
    signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    control->standard_error = bs_standard_error_open();
    bs_files_note_flags();
    const pid_t watcher = getpid();
    control->tracer_pid = bs_process_tracer(control->parent_pid);
    control->shared.watcher_pid = watcher; /* bytesight_start may be cut short before it says so */
    pid_t worker = bs_process_clone(SIGCHLD);
    if (!worker) {
        bs_process_follow(watcher);
        bs_work(control);
    }
    if (worker < 0) {
        bs_output_outcome(bs_control_image(control), BS_OUTCOME_REFUSED,
                          "the process cannot be copied a second time");
        end(control);
    }
    control->shared.worker_pid = worker;
    watch(control, worker);
    end_leftovers();
    bs_files_give_back_flags();
    end(control);
}
