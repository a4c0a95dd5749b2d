#include "fake_host.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define FUNCTION_BYTES 16
#define FUNCTIONS_ADDR 0x7f0000000000ull
#define FUNCTIONS_MAX  256
#define PAGES_ADDR     0x7f1000000000ull

struct fake_memory {
    struct fake_memory *next;
    uint64_t addr;
    size_t length;
    bool mapped;               /* by the inferior's mmap: to be unmapped */
    _Alignas(16) char bytes[]; /* structures lie in it */
};

struct fake_symbol {
    struct fake_symbol *next;
    const char *name, *module;
    char *owned; /* the name, where it is ours */
    uint64_t addr;
    fake_fn fn;
};

struct fake_thread {
    struct fake_thread *next;
    int tid;
    const char *const *functions;
};

/* What is to happen in this callback. */
static enum fake_trip step(struct fake_host *fake) {
    if (++fake->calls != fake->trip_at)
        return FAKE_NO_TRIP;
    fake->tripped = true;
    return fake->trip;
}

static struct bs_error *before(enum fake_trip trip, uint64_t addr) {
    switch (trip) {
    case FAKE_CTRL_C:
        return &bs_interrupted;
    case FAKE_REFUSAL:
        return bs_error_create(BS_ERROR_HOST, "no can do");
    case FAKE_FAULT:
        return bs_error_fault(addr, "memory");
    case FAKE_NO_TRIP:
    case FAKE_LATE_CTRL_C:
    case FAKE_LIE:
        break;
    }
    return NULL;
}

static struct bs_error *after(enum fake_trip trip, struct bs_error *error) {
    if (trip != FAKE_LATE_CTRL_C)
        return error;
    bs_error_destroy(error);
    return &bs_interrupted;
}

/* Memory */

void *fake_memory(struct fake_host *fake, uint64_t addr, size_t length) {
    struct fake_memory *memory = calloc(1, sizeof(*memory) + length);
    if (!memory)
        abort();
    *memory = (struct fake_memory){.next = fake->memory, .addr = addr, .length = length};
    fake->memory = memory;
    return memory->bytes;
}

void *fake_bytes(struct fake_host *fake, uint64_t addr, size_t length) {
    for (struct fake_memory *m = fake->memory; m; m = m->next) {
        if (addr >= m->addr && addr - m->addr <= m->length &&
            length <= m->length - (addr - m->addr))
            return m->bytes + (addr - m->addr);
    }
    return NULL;
}

bool fake_memory_free(struct fake_host *fake, uint64_t addr) {
    for (struct fake_memory **link = &fake->memory; *link; link = &(*link)->next) {
        struct fake_memory *memory = *link;
        if (memory->addr != addr)
            continue;
        *link = memory->next;
        free(memory);
        return true;
    }
    return false;
}

static struct bs_error *fake_read(void *arg, uint64_t addr, void *ret, size_t length) {
    struct fake_host *fake = arg;
    enum fake_trip trip = step(fake);
    struct bs_error *error = before(trip, addr);
    if (error)
        return error;
    if (fake->shared_addr && addr == fake->shared_addr)
        fake_run_on(fake);
    const void *bytes = fake_bytes(fake, addr, length);
    if (!bytes)
        return after(trip, bs_error_fault(addr, "memory"));
    memcpy(ret, bytes, length);
    for (size_t i = 0; trip == FAKE_LIE && i < length; i++)
        ((uint8_t *)ret)[i] ^= 0xa5;
    return after(trip, NULL);
}

static struct bs_error *fake_write_memory(void *arg, uint64_t addr, const void *data,
                                          size_t length) {
    struct fake_host *fake = arg;
    enum fake_trip trip = step(fake);
    struct bs_error *error = before(trip, addr);
    if (error || trip == FAKE_LIE) /* which says that it was written */
        return error;
    void *bytes = fake_bytes(fake, addr, length);
    if (!bytes)
        return after(trip, bs_error_fault(addr, "memory"));
    memcpy(bytes, data, length);
    return after(trip, NULL);
}

/* Symbols */

void fake_symbol(struct fake_host *fake, const char *name, const char *module, uint64_t addr,
                 fake_fn fn) {
    struct fake_symbol *symbol = malloc(sizeof(*symbol));
    if (!symbol)
        abort();
    *symbol = (struct fake_symbol){
        .next = fake->symbols, .name = name, .module = module, .addr = addr, .fn = fn};
    fake->symbols = symbol;
}

uint64_t fake_function(struct fake_host *fake, const char *name, const char *module, fake_fn fn) {
    uint64_t addr = fake->next_addr;
    fake->next_addr += FUNCTION_BYTES;
    if (fake->next_addr > FUNCTIONS_ADDR + FUNCTIONS_MAX * FUNCTION_BYTES)
        abort();
    fake_symbol(fake, name, module, addr, fn);
    return addr;
}

static const struct fake_symbol *symbol_at(const struct fake_host *fake, uint64_t addr) {
    for (const struct fake_symbol *s = fake->symbols; s; s = s->next) {
        if (addr >= s->addr && addr - s->addr < FUNCTION_BYTES)
            return s;
    }
    return NULL;
}

static const struct fake_symbol *symbol_named(const struct fake_host *fake, const char *name,
                                              size_t length) {
    for (const struct fake_symbol *s = fake->symbols; s; s = s->next) {
        if (!strncmp(s->name, name, length) && !s->name[length])
            return s;
    }
    return NULL;
}

uint64_t fake_symbol_addr(const struct fake_host *fake, const char *name) {
    const struct fake_symbol *symbol = symbol_named(fake, name, strlen(name));
    return symbol ? symbol->addr : 0;
}

static struct bs_error *fake_lookup(void *arg, const char *name, uint64_t *ret_addr) {
    struct fake_host *fake = arg;
    enum fake_trip trip = step(fake);
    struct bs_error *error = before(trip, 0);
    if (error)
        return error;
    const struct fake_symbol *symbol = symbol_named(fake, name, strlen(name));
    if (!symbol)
        return after(trip, bs_error_create(BS_ERROR_NOT_FOUND, "there is no symbol %s", name));
    *ret_addr = symbol->addr + (trip == FAKE_LIE ? 0x100000 : 0);
    return after(trip, NULL);
}

static struct bs_error *fake_modules(void *arg, bs_module_fn fn, void *fn_arg) {
    struct fake_host *fake = arg;
    enum fake_trip trip = step(fake);
    struct bs_error *error = before(trip, 0);
    struct bs_module module = {.path = "/fake/python3.11",
                               .start_addr = 0x400000,
                               .end_addr = trip == FAKE_LIE ? UINT64_MAX : 0x404000};
    if (!error && fn(fn_arg, &module)) {
        module =
            (struct bs_module){"/fake/libc.so.6", FUNCTIONS_ADDR, FUNCTIONS_ADDR + 0x1000, NULL};
        fn(fn_arg, &module);
    }
    return error ? error : after(trip, NULL);
}

static struct bs_error *fake_describe(void *arg, uint64_t addr, bs_symbol_fn fn, void *fn_arg) {
    struct fake_host *fake = arg;
    enum fake_trip trip = step(fake);
    struct bs_error *error = before(trip, addr);
    if (error)
        return error;
    const struct fake_symbol *symbol = symbol_at(fake, addr);
    struct bs_symbol_info info = {};
    if (symbol && trip != FAKE_LIE) {
        info.function = symbol->name;
        info.module = symbol->module;
        info.offset_bytes = addr - symbol->addr;
    }
    fn(fn_arg, &info);
    return after(trip, NULL);
}

/* Threads and frames */

void fake_thread(struct fake_host *fake, int tid, const char *const *functions) {
    struct fake_thread *thread = fake->threads;
    while (thread && thread->tid != tid)
        thread = thread->next;
    if (!thread) {
        thread = calloc(1, sizeof(*thread));
        if (!thread)
            abort();
        thread->next = fake->threads;
        thread->tid = tid;
        fake->threads = thread;
    }
    thread->functions = functions;
}

static struct bs_error *fake_state(void *arg, struct bs_host_state *ret) {
    struct fake_host *fake = arg;
    enum fake_trip trip = step(fake);
    struct bs_error *error = before(trip, 0);
    if (error)
        return error;
    *ret = fake->state;
    if (trip == FAKE_LIE)
        ret->selected_tid = 1;
    return after(trip, NULL);
}

static struct bs_error *fake_threads(void *arg, bs_thread_fn fn, void *fn_arg) {
    struct fake_host *fake = arg;
    enum fake_trip trip = step(fake);
    struct bs_error *error = before(trip, 0);
    for (struct fake_thread *t = fake->threads; !error && t; t = t->next) {
        if (!fn(fn_arg, t->tid))
            break;
    }
    return error ? error : after(trip, NULL);
}

/* "function@module": the module is a file name in /fake. */
static uint64_t frame_addr(struct fake_host *fake, const char *text) {
    size_t length = strcspn(text, "@");
    const struct fake_symbol *symbol = symbol_named(fake, text, length);
    if (symbol)
        return symbol->addr;
    char *name = strndup(text, length);
    uint64_t addr = fake_function(fake, name, text[length] ? text + length + 1 : NULL, NULL);
    fake->symbols->owned = name;
    return addr;
}

static struct bs_error *fake_walk(void *arg, int tid, bs_native_frame_fn fn, void *fn_arg) {
    struct fake_host *fake = arg;
    fake->walks++;
    enum fake_trip trip = step(fake);
    struct bs_error *error = before(trip, 0);
    if (error)
        return error;
    struct fake_thread *thread = fake->threads;
    while (thread && thread->tid != tid)
        thread = thread->next;
    if (!thread)
        return after(trip, bs_error_create(BS_ERROR_HOST, "there is no thread %d", tid));
    for (size_t i = 0; thread->functions && thread->functions[i]; i++) {
        struct bs_native_frame frame = {
            .pc_addr = trip == FAKE_LIE ? 0 : frame_addr(fake, thread->functions[i]) + 4,
            .cfa_addr = 0x7fff00000000 + 64 * i,
        };
        if (!fn(fn_arg, &frame))
            break;
    }
    return after(trip, NULL);
}

static struct bs_error *fake_call(void *arg, int tid, uint64_t function_addr, const uint64_t *args,
                                  size_t arg_count, uint32_t flags, uint64_t *ret) {
    struct fake_host *fake = arg;
    enum fake_trip trip = step(fake);
    struct bs_error *error = before(trip, 0);
    if (error)
        return error;
    uint64_t padded[BS_CALL_ARGS_MAX] = {};
    const struct fake_symbol *symbol = symbol_at(fake, function_addr);
    if (!symbol || symbol->addr != function_addr || !symbol->fn)
        return after(trip, bs_error_create(BS_ERROR_HOST, "the program received signal SIGSEGV"));
    if (arg_count)
        memcpy(padded, args, arg_count * sizeof(*args));
    *ret = symbol->fn(fake, padded);
    if (trip == FAKE_LIE)
        *ret = ~*ret;
    return after(trip, NULL);
}

/* The user */

static bool fake_interrupted(void *arg) {
    struct fake_host *fake = arg;
    enum fake_trip trip = step(fake);
    fake->ctrl_c |= trip == FAKE_CTRL_C || trip == FAKE_LATE_CTRL_C || trip == FAKE_LIE;
    return fake->ctrl_c;
}

static struct bs_error *fake_write(void *arg, const char *data, size_t length,
                                   const struct bs_span *spans, size_t span_count, bool no_color) {
    struct fake_host *fake = arg;
    enum fake_trip trip = step(fake);
    struct bs_error *error = before(trip, 0);
    if (error)
        return error;
    for (size_t i = 0; i < span_count; i++) {
        CHECK(spans[i].start_bytes <= length && spans[i].style < BS_STYLE_COUNT);
        CHECK(!i || spans[i].start_bytes >= spans[i - 1].start_bytes);
    }
    bs_buffer_append(&fake->output, data, length);
    fake->output_spans += span_count;
    fake->output_no_color = no_color;
    return after(trip, NULL);
}

static void fake_progress(void *arg, const char *text) {
    struct fake_host *fake = arg;
    enum fake_trip trip = step(fake);
    fake->ctrl_c |= trip == FAKE_CTRL_C || trip == FAKE_LATE_CTRL_C;
    fake->progress_shown = *text;
    if (*text)
        fake->progress_drawn++;
    else
        fake->progress_removed++;
}

struct fake_host *fake_host_create(void) {
    static const char *const nowhere[] = {"main", NULL};
    struct fake_host *fake = calloc(1, sizeof(*fake));
    if (!fake)
        abort();
    fake->host = (struct bs_host){
        .arg = fake,
        .target = {.arg = fake, .read = fake_read, .lookup = fake_lookup, .modules = fake_modules},
        .write_memory = fake_write_memory,
        .state = fake_state,
        .threads = fake_threads,
        .walk = fake_walk,
        .describe = fake_describe,
        .call = fake_call,
        .interrupted = fake_interrupted,
        .write = fake_write,
        .progress = fake_progress,
    };
    fake->state =
        (struct bs_host_state){.kind = BS_HOST_REMOTE, .pid = FAKE_PID, .selected_tid = FAKE_PID};
    fake->next_addr = FUNCTIONS_ADDR;
    memset(fake_memory(fake, FUNCTIONS_ADDR, FUNCTIONS_MAX * FUNCTION_BYTES), 0xc3,
           FUNCTIONS_MAX * FUNCTION_BYTES);
    fake_thread(fake, FAKE_PID, nowhere);
    return fake;
}

void fake_host_destroy(struct fake_host *fake) {
    while (fake->memory)
        fake_memory_free(fake, fake->memory->addr);
    while (fake->symbols) {
        struct fake_symbol *symbol = fake->symbols;
        fake->symbols = symbol->next;
        free(symbol->owned);
        free(symbol);
    }
    while (fake->threads) {
        struct fake_thread *thread = fake->threads;
        fake->threads = thread->next;
        free(thread);
    }
    bs_buffer_deinit(&fake->output);
    free(fake);
}

uint64_t fake_map(struct fake_host *fake, size_t length) {
    uint64_t addr = PAGES_ADDR;
    while (fake_bytes(fake, addr, 0))
        addr += 0x1000000;
    fake_memory(fake, addr, length);
    fake->memory->mapped = true;
    return addr;
}

unsigned int fake_leftovers(const struct fake_host *fake) {
    unsigned int left = fake->open_fds + fake->progress_shown + (fake->shared_addr != 0);
    for (const struct fake_memory *m = fake->memory; m; m = m->next)
        left += m->mapped;
    return left;
}

const char *fake_output(struct fake_host *fake) {
    bs_buffer_char(&fake->output, '\0');
    fake->output.length--;
    return fake->output.data;
}
