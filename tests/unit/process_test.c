#include "check.h"
#include "command/process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(process, knows_this_one) {
    CHECK(bs_process_lives(getpid()));
    CHECK(bs_process_start_time(getpid()) > 0);
    CHECK_EQ(bs_process_inner_pid(getpid()), getpid());
    CHECK_EQ(bs_process_outer_tid(getpid(), getpid()), getpid());
    CHECK_EQ(bs_process_outer_tid(getpid(), getpid() + 1), 0);
}

TEST(process, a_process_that_is_not_there_has_nothing) {
    const int nobody = 0x7ffffff0;
    CHECK(!bs_process_lives(nobody));
    CHECK_EQ(bs_process_start_time(nobody), 0);
    CHECK_EQ(bs_process_inner_pid(nobody), nobody);
    CHECK_EQ(bs_process_outer_tid(nobody, nobody), 0);
    CHECK_EQ(bs_process_child(nobody, nobody), 0);
    CHECK_EQ(bs_process_child(getpid(), getpid()), 0);
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
