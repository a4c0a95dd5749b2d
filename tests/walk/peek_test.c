/* Reading a byte that may not be there, also where a container denies the usual way. */
#include "agent/peek.h"
#include "check.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t byte = 77;

static bool peeks(void) {
    uint8_t got = 0, two[2];
    const long page_bytes = sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, (size_t)page_bytes * 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + page_bytes, (size_t)page_bytes);
    const uint64_t end = (uint64_t)(uintptr_t)pages + (uint64_t)page_bytes;
    /* What begins where there is memory and ends where there is none is not there. */
    return bs_peek((uint64_t)(uintptr_t)&byte, &got, 1) && got == 77 && !bs_peek(16, &got, 1) &&
           !bs_peek(end - 1, two, 2) && bs_peek(end - 2, two, 2);
}

static bool deny_process_vm_readv(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = filter};
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
           !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

TEST(peek, reads_what_is_there) {
    CHECK(peeks());
}

TEST(peek, reads_what_is_there_where_the_usual_way_is_denied) {
    int status = -1;
    pid_t child = fork();
    if (!child)
        _exit(deny_process_vm_readv() ? !peeks() : 2);
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        SKIP("seccomp");
    CHECK_EQ(status, 0);
}
