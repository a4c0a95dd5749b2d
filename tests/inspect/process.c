#include "process.h"

#include "check.h"
#include "core/cleanup.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define PIPE_BYTES 65536
#define SILENCE_MS 60000
#define ENDING_MS  10000 /* after the last line */

static struct bs_error *process_memory(void *arg, uint64_t addr, void *ret, size_t length) {
    struct process *process = arg;
    if (pread(process->memory_fd, ret, length, (off_t)addr) == (ssize_t)length)
        return NULL;
    return bs_error_fault(addr, "memory");
}

static struct bs_error *process_modules(void *arg, bs_module_fn fn, void *fn_arg) {
    struct process *process = arg;
    for (size_t i = 0; i < process->module_count; i++) {
        const struct process_module *module = &process->modules[i];
        struct bs_module told = {module->path, module->start_addr, module->end_addr, NULL};
        if (!fn(fn_arg, &told))
            break;
    }
    return NULL;
}

/* What to add to the file's addresses, from its first segment. */
static uint64_t file_bias(const Elf64_Ehdr *header, uint64_t start_addr) {
    const Elf64_Phdr *segments = (const void *)((const char *)header + header->e_phoff);
    for (unsigned int i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD)
            return start_addr - (segments[i].p_vaddr & ~4095ull);
    }
    return start_addr;
}

static uint64_t find_in_section(const Elf64_Ehdr *header, const Elf64_Shdr *sections,
                                const Elf64_Shdr *table, const char *name) {
    const char *base = (const char *)header;
    const Elf64_Sym *symbols = (const void *)(base + table->sh_offset);
    const char *names = base + sections[table->sh_link].sh_offset;
    for (size_t i = 0; i < table->sh_size / sizeof(*symbols); i++) {
        if (symbols[i].st_shndx && !strcmp(names + symbols[i].st_name, name))
            return symbols[i].st_value;
    }
    return 0;
}

/* The address of @p name in a module's file, which is trusted here; 0 where it has none. */
static uint64_t find_in_module(const struct process_module *module, const char *name) {
    _cleanup_close_ int fd = open(module->path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) || status.st_size < (off_t)sizeof(Elf64_Ehdr))
        return 0;
    Elf64_Ehdr *header = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    uint64_t addr = 0;
    if (header == MAP_FAILED)
        return 0;
    if (!memcmp(header->e_ident, ELFMAG, SELFMAG)) {
        const Elf64_Shdr *sections = (const void *)((const char *)header + header->e_shoff);
        for (unsigned int i = 0; i < header->e_shnum && !addr; i++) {
            if (sections[i].sh_type == SHT_DYNSYM || sections[i].sh_type == SHT_SYMTAB)
                addr = find_in_section(header, sections, &sections[i], name);
        }
        addr = addr ? addr + file_bias(header, module->start_addr) : 0;
    }
    munmap(header, (size_t)status.st_size);
    return addr;
}

static struct bs_error *process_lookup(void *arg, const char *name, uint64_t *ret_addr) {
    struct process *process = arg;
    for (size_t i = 0; i < process->module_count; i++) {
        uint64_t addr = find_in_module(&process->modules[i], name);
        if (addr) {
            *ret_addr = addr;
            return NULL;
        }
    }
    return bs_error_create(BS_ERROR_NOT_FOUND, "no symbol %s", name);
}

static void add_mapping(struct process *process, const char *path, uint64_t start, uint64_t end) {
    for (size_t i = 0; i < process->module_count; i++) {
        if (!strcmp(process->modules[i].path, path)) {
            process->modules[i].end_addr = end;
            return;
        }
    }
    if (process->module_count < PROCESS_MODULES_MAX)
        process->modules[process->module_count++] =
            (struct process_module){strdup(path), start, end};
}

static void forget_modules(struct process *process) {
    while (process->module_count)
        free(process->modules[--process->module_count].path);
}

bool process_refresh(struct process *process) {
    char path[64], line[PATH_MAX + 128], name[PATH_MAX];
    snprintf(path, sizeof(path), "/proc/%d/maps", process->pid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return false;
    forget_modules(process);
    while (fgets(line, sizeof(line), maps)) {
        uint64_t start, end;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %4095[^\n]", &start, &end,
                   name) == 3 &&
            name[0] == '/')
            add_mapping(process, name, start, end);
    }
    fclose(maps);
    return process->module_count > 0;
}

static bool spawn(struct process *process, const char *path, char *const *argv) {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
        return false;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    /* In a shell's background SIGINT is ignored, and Python then leaves it so. */
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    int failure = posix_spawn(&process->pid, path, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    process->to = fdopen(to[1], "w");
    process->from = from[0];
    return !failure && process->to;
}

bool process_start(struct process *process, const struct interpreter *interpreter,
                   const char *program, const char *const *args) {
    char path[PATH_MAX];
    char *argv[16] = {(char *)interpreter->path, path};
    *process = (struct process){.memory_fd = -1, .from = -1};
    snprintf(path, sizeof(path), "%s/tests/inspect/programs/%s", SOURCE_DIR, program);
    for (size_t i = 0; i < 12 && args && args[i]; i++)
        argv[i + 2] = (char *)args[i];
    process->target = (struct bs_target){process, process_memory, process_lookup, process_modules};
    return CHECK(spawn(process, interpreter->path, argv));
}

/* Once the program has said something it is past exec, and its memory is the interpreter's. */
static bool open_memory(struct process *process) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/mem", process->pid);
    process->memory_fd = open(path, O_RDONLY | O_CLOEXEC);
    return process->memory_fd >= 0 && process_refresh(process);
}

bool process_says_more(struct process *process, int ms) {
    struct pollfd waited = {.fd = process->from, .events = POLLIN};
    return process->output_length > process->line_length || poll(&waited, 1, ms) > 0;
}

/* Read what there is; false at the end, or when nothing comes. */
static bool read_more(struct process *process) {
    struct pollfd waited = {.fd = process->from, .events = POLLIN};
    if (process->output_capacity - process->output_length < PIPE_BYTES) {
        size_t capacity = 2 * process->output_capacity + PIPE_BYTES;
        char *output = realloc(process->output, capacity);
        if (!output)
            return false;
        process->output = output;
        process->output_capacity = capacity;
    }
    if (!CHECK(poll(&waited, 1, SILENCE_MS) > 0))
        return false;
    ssize_t got = read(process->from, process->output + process->output_length,
                       process->output_capacity - process->output_length);
    process->output_length += got > 0 ? (size_t)got : 0;
    return got > 0;
}

char *process_read(struct process *process) {
    char *end;
    process->output_length -= process->line_length;
    if (process->line_length)
        memmove(process->output, process->output + process->line_length, process->output_length);
    process->line_length = 0;
    size_t seen = 0;
    while (!process->output_length ||
           !(end = memchr(process->output + seen, '\n', process->output_length - seen))) {
        seen = process->output_length;
        if (!read_more(process))
            return NULL;
    }
    *end = '\0';
    process->line_length = (size_t)(end - process->output) + 1;
    if (process->memory_fd < 0 && !CHECK(open_memory(process)))
        return NULL;
    return process->output;
}

void process_send(struct process *process, const char *line) {
    fprintf(process->to, "%s\n", line);
    fflush(process->to);
}

/* Whether every thread of the process is stopped. */
static bool is_stopped(const struct process *process) {
    char path[64], state = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", process->pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool read = fscanf(file, "%*d %*s %c", &state) == 1;
    fclose(file);
    return read && state == 'T';
}

bool process_stop(struct process *process) {
    kill(process->pid, SIGSTOP);
    for (int i = 0; i < 2000; i++) {
        if (is_stopped(process))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    return CHECK(false && "the process stops");
}

void process_continue(struct process *process) {
    kill(process->pid, SIGCONT);
}

bool process_succeeds(struct process *process) {
    siginfo_t end = {};
    for (int ms = 0; ms < ENDING_MS && !end.si_pid; ms++) {
        if (waitid(P_PID, (id_t)process->pid, &end, WEXITED | WNOWAIT | WNOHANG))
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return end.si_pid && end.si_code == CLD_EXITED && end.si_status == 0;
}

void process_end(struct process *process) {
    if (process->pid > 0) {
        kill(process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
    }
    if (process->to)
        fclose(process->to);
    if (process->from >= 0)
        close(process->from);
    if (process->memory_fd >= 0)
        close(process->memory_fd);
    forget_modules(process);
    free(process->output);
    *process = (struct process){.memory_fd = -1, .from = -1};
}
