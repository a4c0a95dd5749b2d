#include "agent/heal.h"

#include "agent/copy/shared_memory.h"
#include "agent/file_mappings.h"
#include "agent/last_words.h"
#include "agent/syscalls.h"
#include "agent/walk_step.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>

#define STACK_BYTES (64 << 10)
#define PAGE_BYTES  4096ull

/*
 * The breakpoint instruction, and where the program counter stands when it has trapped. One row for
 * an architecture, as in syscalls.h.
 */
#if defined(__x86_64__)
static const unsigned char breakpoint[] = {0xcc}; /* int3: SDM volume 2, INT n */
#define TRAP_ADVANCES  1
#define CONTEXT_PC(uc) ((uc)->uc_mcontext.gregs[REG_RIP])
#elif defined(__aarch64__)
static const unsigned char breakpoint[] = {0x00, 0x00, 0x20, 0xd4}; /* brk #0 */
#define TRAP_ADVANCES  0
#define CONTEXT_PC(uc) ((uc)->uc_mcontext.pc)
#endif

static struct bs_image_header *image;
static _Alignas(16) unsigned char stack[STACK_BYTES];

static bool find_mapping(struct lines *lines, uint64_t addr, struct bs_file_mapping *ret) {
    while (bs_file_mappings_next(lines, ret)) {
        if (addr >= ret->start && addr < ret->end)
            return true;
    }
    return false;
}

/* What the file has at @p addr, if it is the file that was mapped. */
static bool read_original(const struct bs_file_mapping *mapping, uint64_t addr,
                          unsigned char ret[sizeof(breakpoint)]) {
    struct stat status = {.st_ino = 0};
    int fd = bs_sys_open(mapping->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool same = !bs_sys_fstat(fd, &status) && status.st_ino == mapping->inode;
    long got = same ? bs_sys_pread(fd, ret, sizeof(breakpoint),
                                   (long)(addr - mapping->start + mapping->offset))
                    : 0;
    bs_sys_close(fd);
    return got == sizeof(breakpoint);
}

static bool is_breakpoint(const volatile unsigned char *bytes) {
    bool same = true;
    for (size_t i = 0; i < sizeof(breakpoint); i++)
        same = same && bytes[i] == breakpoint[i];
    return same;
}

/* Through /proc/self/mem, which may write where we may not; else by lifting the protection. */
static bool write_text(const struct bs_file_mapping *mapping, uint64_t addr,
                       const unsigned char *bytes) {
    int fd = bs_sys_open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    long put = fd < 0 ? -1 : bs_sys_pwrite(fd, bytes, sizeof(breakpoint), (long)addr);
    if (fd >= 0)
        bs_sys_close(fd);
    if (put == sizeof(breakpoint))
        return true;
    uint64_t page = addr & ~(PAGE_BYTES - 1);
    if (bs_sys_mprotect(page, PAGE_BYTES, mapping->protection | PROT_WRITE))
        return false;
    volatile unsigned char *text = (unsigned char *)(uintptr_t)addr;
    for (size_t i = 0; i < sizeof(breakpoint); i++)
        text[i] = bytes[i];
    bs_sys_mprotect(page, PAGE_BYTES, mapping->protection);
    return true;
}

bool bs_heal_breakpoint(uint64_t addr) {
    static struct lines lines; /* one thread, and the signal is blocked meanwhile */
    struct bs_file_mapping mapping;
    unsigned char original[sizeof(breakpoint)] = {0};
    if (!is_breakpoint((const unsigned char *)(uintptr_t)addr))
        return false;
    bs_file_mappings_open(&lines);
    bool found = find_mapping(&lines, addr, &mapping);
    bs_lines_close(&lines);
    if (!found || !read_original(&mapping, addr, original) || is_breakpoint(original) ||
        !write_text(&mapping, addr, original))
        return false;
    __builtin___clear_cache((char *)(uintptr_t)addr, (char *)(uintptr_t)addr + sizeof(breakpoint));
    return true;
}

/*
 * Installed with SA_RESETHAND: the second time the default action ends the process. A fault comes
 * again by itself when we return; a signal that was sent does not, and is sent again.
 */
static void on_fatal(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    image->fault_addr = bs_step_place((uint64_t)CONTEXT_PC(uc));
    const bool denied = signal == SIGSEGV && info->si_code == SEGV_ACCERR;
    if (signal == SIGABRT)
        bs_last_words_of_abort();
    else if (denied && bs_shared_memory_has((uint64_t)info->si_addr))
        bs_last_words("it wrote to memory that the program shares with other processes, which is "
                      "not for a copy of it to change: use --in-process");
    if (info->si_code <= 0)
        bs_sys_raise(signal);
}

static void on_trap(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    uint64_t addr = (uint64_t)CONTEXT_PC(uc) - TRAP_ADVANCES;
    if (info->si_code > 0 && bs_heal_breakpoint(addr)) {
        CONTEXT_PC(uc) = (__typeof__(CONTEXT_PC(uc)))addr;
        return;
    }
    image->fault_addr = addr;
    bs_sys_default(signal);
    bs_sys_raise(signal);
}

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

void bs_heal_install(struct bs_image_header *report_to) {
    image = report_to;
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
    struct sigaction trap = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&trap.sa_mask);
    sigaction(SIGTRAP, &trap, NULL);
    struct sigaction fault = {.sa_sigaction = on_fatal,
                              .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
        sigaction(fatal[i], &fault, NULL);
}

void bs_heal_unblock(sigset_t *mask) {
    sigdelset(mask, SIGTRAP);
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
        sigdelset(mask, fatal[i]);
}
