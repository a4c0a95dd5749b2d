/* What lives in the fake host's process: a C library, an agent, a Python 3.11. */
#include "fake_host.h"

#include "image_builder.h"
#include "inspect/layout.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#define LIBC  "/fake/libc.so.6"
#define AGENT "/proc/4242/fd/3"

/* Any values do, as long as they are told apart. */
#define FD           3
#define HANDLE       0x515100
#define NAME_ADDR    0x525200
#define SHARED_ADDR  0x7f2000000000ull
#define SHARED_BYTES (1 << 20)
#define IMAGE_OFFSET 4096

/* The C library */

static uint64_t fake_mmap(struct fake_host *fake, const uint64_t *args) {
    return fake_map(fake, (size_t)args[1]);
}

static uint64_t fake_munmap(struct fake_host *fake, const uint64_t *args) {
    return fake_memory_free(fake, args[0]) ? 0 : UINT64_MAX;
}

static uint64_t fake_memfd_create(struct fake_host *fake, const uint64_t *args) {
    if (fake->no_memfd)
        return UINT32_MAX; /* an int in a register: the upper half is not ours to look at */
    fake->open_fds++;
    fake->memfd_bytes = 0;
    return FD;
}

static uint64_t fake_close(struct fake_host *fake, const uint64_t *args) {
    if (args[0] != FD || !fake->open_fds)
        return UINT32_MAX;
    fake->open_fds--;
    return 0;
}

static uint64_t fake_write_fd(struct fake_host *fake, const uint64_t *args) {
    if (args[0] != FD || !fake->open_fds || !fake_bytes(fake, args[1], (size_t)args[2]))
        return UINT64_MAX;
    fake->memfd_bytes += (size_t)args[2];
    return args[2];
}

/* A string of the loader's; nothing is mapped behind its last word. */
static void put_text(struct fake_host *fake, uint64_t addr, const char *text) {
    fake_memory_free(fake, addr);
    strcpy(fake_memory(fake, addr, strlen(text) / 8 * 8 + 8), text);
}

/* The loader's list has the path of a library that was opened. */
static void list_library(struct fake_host *fake, const char *path) {
    fake_memory_free(fake, HANDLE);
    struct link_map *map = fake_memory(fake, HANDLE, sizeof(*map));
    map->l_name = (char *)NAME_ADDR;
    put_text(fake, NAME_ADDR, path);
    fake->agent_loaded = true;
}

static uint64_t fake_dlopen(struct fake_host *fake, const uint64_t *args) {
    const char *path = fake_bytes(fake, args[0], 1);
    if (!path)
        return 0;
    bool known = !strcmp(path, "libbytesight_agent.so");
    bool memfd = !strcmp(path, AGENT) && fake->memfd_bytes;
    if (!known && !fake->dlopen_error && (memfd || !strncmp(path, BUILD_DIR, strlen(BUILD_DIR))))
        list_library(fake, path);
    return fake->agent_loaded ? HANDLE : 0;
}

static uint64_t fake_dlerror(struct fake_host *fake, const uint64_t *args) {
    if (!fake->dlopen_error)
        return 0;
    const uint64_t addr = 0x7f3000000000;
    put_text(fake, addr, fake->dlopen_error);
    return addr;
}

/* The agent */

static void put_image(const struct fake_host *fake, char *shared) {
    const struct fake_run *run = &fake->run;
    struct image_builder *builder =
        run->no_events ? image_builder_create(0x030b02f0) : image_small(true);
    struct bs_image_header *header = image_header(builder);
    size_t length;
    header->outcome = run->outcome ? run->outcome : BS_OUTCOME_RETURNED;
    header->outcome_number = run->outcome_number;
    header->flags |= BS_IMAGE_ISOLATED;
    header->target_text = image_string(builder, fake->request.call);
    if (run->outcome_text)
        header->outcome_text = image_string(builder, run->outcome_text);
    void *image = image_finish(builder, &length);
    if (length > SHARED_BYTES - IMAGE_OFFSET)
        abort();
    memcpy(shared + IMAGE_OFFSET, image, length);
    free(image);
}

static uint64_t fake_start(struct fake_host *fake, const uint64_t *args) {
    const struct bs_request *request = fake_bytes(fake, args[0], sizeof(*request));
    fake->starts++;
    if (!request || request->magic != BS_REQUEST_MAGIC || request->version != BS_REQUEST_VERSION ||
        request->size_bytes != sizeof(*request))
        return (uint64_t)-EINVAL;
    if (fake->shared_addr)
        return (uint64_t)-EBUSY;
    if (fake->run.start_result)
        return (uint64_t)fake->run.start_result;
    fake->request = *request;
    char *bytes = fake_memory(fake, SHARED_ADDR, SHARED_BYTES);
    struct bs_shared *shared = (struct bs_shared *)bytes;
    *shared = (struct bs_shared){
        .magic = BS_IMAGE_MAGIC,
        .mapping_bytes = SHARED_BYTES,
        .image_offset_bytes = IMAGE_OFFSET,
        .watcher_pid = 1,
        .state = BS_STATE_RUNNING,
        .total = 10,
    };
    put_image(fake, bytes);
    fake->shared_addr = SHARED_ADDR;
    return SHARED_ADDR;
}

const char *fake_library_name(struct fake_host *fake) {
    return fake_bytes(fake, NAME_ADDR, 1);
}

void fake_run_on(struct fake_host *fake) {
    struct bs_shared *shared = fake_bytes(fake, fake->shared_addr, sizeof(*shared));
    struct fake_run *run = &fake->run;
    if (shared->cancel && run->obeys) {
        ((struct bs_image_header *)((char *)shared + IMAGE_OFFSET))->outcome =
            BS_OUTCOME_INTERRUPTED;
        shared->state = BS_STATE_DONE;
    }
    if (run->dead)
        return;
    shared->heartbeat++;
    shared->phase = (shared->phase + 1) % (BS_PHASE_WALK + 1);
    if (run->stuck)
        return;
    if (run->polls)
        run->polls--;
    else
        shared->state = BS_STATE_DONE;
}

static uint64_t fake_run_in_process(struct fake_host *fake, const uint64_t *args) {
    struct bs_shared *shared = fake_bytes(fake, fake->shared_addr, sizeof(*shared));
    if (!shared || args[0] != fake->shared_addr || !(fake->request.flags & BS_REQUEST_IN_PROCESS))
        return (uint64_t)-EINVAL;
    shared->state = BS_STATE_DONE;
    return 0;
}

static uint64_t fake_finish(struct fake_host *fake, const uint64_t *args) {
    fake->finishes++;
    if (!fake->shared_addr || (args[0] && args[0] != fake->shared_addr))
        return 0;
    fake_memory_free(fake, fake->shared_addr);
    fake->shared_addr = 0;
    return 0;
}

static uint64_t fake_dlsym(struct fake_host *fake, const uint64_t *args) {
    const char *name = fake_bytes(fake, args[1], 1);
    bool ours = args[0] == HANDLE && name && !strncmp(name, "bytesight_", 10);
    return ours ? fake_symbol_addr(fake, name) : 0;
}

void fake_add_libc(struct fake_host *fake) {
    fake_function(fake, "mmap", LIBC, fake_mmap);
    fake_function(fake, "munmap", LIBC, fake_munmap);
    fake_function(fake, "memfd_create", LIBC, fake_memfd_create);
    fake_function(fake, "write", LIBC, fake_write_fd);
    fake_function(fake, "close", LIBC, fake_close);
    fake_function(fake, "dlopen", LIBC, fake_dlopen);
    fake_function(fake, "dlsym", LIBC, fake_dlsym);
    fake_function(fake, "dlerror", LIBC, fake_dlerror);
    fake_function(fake, "bytesight_start", AGENT, fake_start);
    fake_function(fake, "bytesight_run", AGENT, fake_run_in_process);
    fake_function(fake, "bytesight_finish", AGENT, fake_finish);
}

/* Python */

#define PYTHON_HEX       0x030b02f0
#define MODULE_ADDR      0x400000
#define EVAL_ADDR        (MODULE_ADDR + 0x1000)
#define VERSION_ADDR     (MODULE_ADDR + 0x3000)
#define RUNTIME_ADDR     0x500000
#define INTERPRETER_ADDR 0x600000
#define THREADS_ADDR     0x700000
#define STRUCTURE_BYTES  0x40000

static void put_elf(char *module) {
    Elf64_Ehdr *header = (Elf64_Ehdr *)module;
    Elf64_Phdr *segments = (Elf64_Phdr *)(module + sizeof(*header));
    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_ident[EI_DATA] = ELFDATA2LSB;
    header->e_phoff = sizeof(*header);
    header->e_phentsize = sizeof(*segments);
    header->e_phnum = 2;
    segments[0] =
        (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0, .p_memsz = 0x2000};
    segments[1] =
        (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0x2000, .p_memsz = 0x2000};
}

static void put_word(struct fake_host *fake, uint64_t addr, int32_t offset, uint64_t value,
                     size_t width) {
    void *bytes = fake_bytes(fake, addr + (uint32_t)offset, width);
    if (offset < 0 || !bytes)
        abort();
    memcpy(bytes, &value, width);
}

void fake_python_state(struct fake_host *fake, bool initialized, bool finalizing) {
    const struct bs_layout *layout = bs_layout_rows(PYTHON_HEX);
    put_word(fake, RUNTIME_ADDR, layout->runtime_initialized, initialized, 4);
    put_word(fake, RUNTIME_ADDR, layout->runtime_finalizing, finalizing ? THREADS_ADDR : 0, 8);
}

/* A thread whose list of frames is empty: an interpreter between two calls. */
static uint64_t put_thread(struct fake_host *fake, size_t index, int tid) {
    const struct bs_layout *layout = bs_layout_rows(PYTHON_HEX);
    uint64_t addr = THREADS_ADDR + index * STRUCTURE_BYTES;
    uint64_t cframe_addr = addr + STRUCTURE_BYTES / 2;
    fake_memory(fake, addr, STRUCTURE_BYTES);
    put_word(fake, addr, layout->thread_interpreter, INTERPRETER_ADDR, 8);
    put_word(fake, addr, layout->thread_ident, 0x7fff0000 + index, 8);
    put_word(fake, addr, layout->thread_tid, (uint64_t)tid, 8);
    put_word(fake, addr, layout->thread_cframe, cframe_addr, 8);
    return addr;
}

void fake_add_python(struct fake_host *fake, int gil_tid) {
    static const char *const elsewhere[] = {"poll@/fake/libc.so.6", "other_main", NULL};
    const struct bs_layout *layout = bs_layout_rows(PYTHON_HEX);
    const uint32_t version = PYTHON_HEX;
    char *module = fake_memory(fake, MODULE_ADDR, 0x4000);
    put_elf(module);
    memcpy(module + VERSION_ADDR - MODULE_ADDR, &version, sizeof(version));
    fake_memory(fake, RUNTIME_ADDR, STRUCTURE_BYTES);
    fake_memory(fake, INTERPRETER_ADDR, STRUCTURE_BYTES);
    uint64_t main_addr = put_thread(fake, 0, FAKE_PID), holder_addr = main_addr;
    put_word(fake, RUNTIME_ADDR, layout->runtime_interpreters_head, INTERPRETER_ADDR, 8);
    put_word(fake, RUNTIME_ADDR, layout->runtime_interpreters_main, INTERPRETER_ADDR, 8);
    put_word(fake, INTERPRETER_ADDR, layout->interpreter_threads_head, main_addr, 8);
    if (gil_tid && gil_tid != FAKE_PID) {
        holder_addr = put_thread(fake, 1, gil_tid);
        put_word(fake, main_addr, layout->thread_next, holder_addr, 8);
        fake_thread(fake, gil_tid, elsewhere);
    }
    put_word(fake, RUNTIME_ADDR + (uint32_t)layout->runtime_gil, layout->gil_locked, gil_tid != 0,
             4);
    put_word(fake, RUNTIME_ADDR + (uint32_t)layout->runtime_gil, layout->gil_holder, holder_addr,
             8);
    fake_python_state(fake, true, false);
    fake_symbol(fake, "Py_Version", "/fake/python3.11", VERSION_ADDR, NULL);
    fake_symbol(fake, "_PyRuntime", "/fake/python3.11", RUNTIME_ADDR, NULL);
    fake_symbol(fake, "_PyEval_EvalFrameDefault", "/fake/python3.11", EVAL_ADDR, NULL);
}
