#include "check.h"
#include "command/process.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

TEST(process, knows_this_one) {
    CHECK(bs_process_lives(getpid()));
    CHECK(bs_process_start_time(getpid()) > 0);
    CHECK_EQ(bs_process_inner_pid(getpid()), getpid());
    CHECK_EQ(bs_process_outer_tid(getpid(), getpid()), getpid());
    CHECK_EQ(bs_process_outer_tid(getpid(), getpid() + 1), 0);
}

/* Three pages, the lowest of which no stack may go on in. */
TEST(process, the_room_of_a_stack_ends_where_nobody_may_write) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const int pid = getpid();
    char *pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uint64_t start = (uint64_t)(uintptr_t)pages;
    mprotect(pages, page, PROT_NONE);
    CHECK_EQ(bs_process_stack_room(pid, start + 3 * page - 64), 2 * page - 64);
    CHECK_EQ(bs_process_stack_room(pid, start + page + 8), 8);
    CHECK_EQ(bs_process_stack_room(pid, start + 8), UINT64_MAX);
    mprotect(pages + page, page, PROT_READ);
    CHECK_EQ(bs_process_stack_room(pid, start + 2 * page + 8), 8);
    munmap(pages, 3 * page);
    CHECK_EQ(bs_process_stack_room(0x7ffffff0, start), UINT64_MAX);
}

TEST(process, the_stack_of_the_main_thread_grows) {
    struct rlimit limit;
    const char here = 0;
    getrlimit(RLIMIT_STACK, &limit);
    const uint64_t room = bs_process_stack_room(getpid(), (uint64_t)(uintptr_t)&here);
    CHECK(room > 1 << 20 && (limit.rlim_cur == RLIM_INFINITY || room < limit.rlim_cur));
    const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    if (limit.rlim_max == RLIM_INFINITY && !setrlimit(RLIMIT_STACK, &unlimited)) {
        CHECK(bs_process_stack_room(getpid(), (uint64_t)(uintptr_t)&here) > UINT32_MAX);
        setrlimit(RLIMIT_STACK, &limit);
    }
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

TEST(process, the_start_is_by_the_clock_of_files) {
    const int64_t tolerance_ns = 50000000, before_ns = now_ns();
    pid_t child = fork();
    if (!child) {
        pause();
        _exit(1);
    }
    const int64_t after_ns = now_ns(), started_ns = bs_process_started_ns(child);
    CHECK(started_ns > before_ns - tolerance_ns && started_ns < after_ns + tolerance_ns);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

TEST(process, a_process_that_is_not_there_has_nothing) {
    const int nobody = 0x7ffffff0;
    CHECK(!bs_process_lives(nobody));
    CHECK_EQ(bs_process_start_time(nobody), 0);
    CHECK_EQ(bs_process_started_ns(nobody), 0);
    CHECK_EQ(bs_process_inner_pid(nobody), nobody);
    CHECK_EQ(bs_process_outer_tid(nobody, nobody), 0);
    CHECK_EQ(bs_process_child(nobody, nobody), 0);
    CHECK_EQ(bs_process_child(getpid(), getpid()), 0);
}

TEST(process, signals_that_wait_are_told_apart) {
    const uint64_t of_thread = 1ull << (SIGUSR1 - 1), of_process = 1ull << (SIGUSR2 - 1);
    sigset_t both, before;
    int number;
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGUSR2);
    sigprocmask(SIG_BLOCK, &both, &before);
    CHECK(bs_process_blocks(getpid(), SIGUSR1) && bs_process_blocks(getpid(), SIGUSR2));
    CHECK_EQ(bs_process_waiting(getpid(), true) & (of_thread | of_process), 0);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR2);
    CHECK_EQ(bs_process_waiting(getpid(), false) & (of_thread | of_process), of_process);
    CHECK_EQ(bs_process_waiting(getpid(), true) & (of_thread | of_process), of_thread | of_process);
    sigwait(&both, &number);
    sigwait(&both, &number);
    sigprocmask(SIG_SETMASK, &before, NULL);
    CHECK(!bs_process_blocks(getpid(), SIGUSR1));
    CHECK_EQ(bs_process_waiting(0x7ffffff0, true), 0);
}

TEST(process, a_deleted_file_that_is_executed_is_named) {
    char path[] = "/tmp/bytesight.XXXXXX", found[PATH_MAX];
    int fd = mkstemp(path);
    if (!CHECK(fd >= 0) || !CHECK(!ftruncate(fd, 4096)))
        return;
    void *data = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    CHECK(!bs_process_deleted_file(getpid(), found, sizeof(found)));
    unlink(path);
    if (CHECK(bs_process_deleted_file(getpid(), found, sizeof(found))))
        CHECK_TEXT(found, path);
    munmap(code, 4096);
    CHECK(!bs_process_deleted_file(getpid(), found, sizeof(found)));
    munmap(data, 4096);
    close(fd);
    CHECK(!bs_process_deleted_file(0x7ffffff0, found, sizeof(found)));
}

/* /proc/PID/stat is read past the name, which may hold brackets and blanks. */
TEST(process, names_with_brackets_are_stepped_over) {
    char before[16];
    uint64_t start_time = bs_process_start_time(getpid());
    prctl(PR_GET_NAME, before);
    prctl(PR_SET_NAME, "a) Z 1 (b");
    CHECK_EQ(bs_process_start_time(getpid()), start_time);
    CHECK(bs_process_lives(getpid()));
    prctl(PR_SET_NAME, before);
}

TEST(process, children_are_found_while_they_live) {
    pid_t child = fork();
    if (!child) {
        pause();
        _exit(0);
    }
    CHECK_EQ(bs_process_child(getpid(), child), child);
    CHECK_EQ(bs_process_child(getppid(), child), 0);
    CHECK(bs_process_start_time(child) >= bs_process_start_time(getpid()));
    kill(child, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT); /* dead, and a zombie still */
    CHECK(!bs_process_lives(child));
    CHECK_EQ(bs_process_child(getpid(), child), 0);
    waitpid(child, NULL, 0);
}
