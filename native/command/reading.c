#include "command/reading.h"

#include "inspect/code_reader.h"

#define BUCKETS 1024

/* Errors of the target's data are kept to be shown; with others the command is over. */
static struct bs_error *keep_about_data(struct bs_error *error, struct bs_error **ret_kept) {
    if (!error || !bs_error_is_about_data(error))
        return error;
    *ret_kept = error;
    return NULL;
}

struct bs_error *bs_reading_open(const struct bs_host *host, struct bs_reading *ret) {
    *ret = (struct bs_reading){};
    struct bs_error *error = bs_inferior_open(host, &ret->inferior);
    if (error)
        return error;
    error = bs_cache_init(&ret->inferior.target, &ret->cache);
    if (error)
        return error;
    ret->inferior.python.target = &ret->cache.target;
    ret->buckets = calloc(BUCKETS, sizeof(struct bs_decoded *));
    if (!ret->buckets)
        return &bs_enomem;
    error = bs_error_forgive(bs_evaluator_find(&ret->inferior.python, &ret->evaluator));
    if (!error)
        error = keep_about_data(bs_threads_list(&ret->inferior.python, &ret->threads),
                                &ret->no_threads);
    return error;
}

static void close_codes(struct bs_reading *reading) {
    for (size_t i = 0; reading->buckets && i < BUCKETS; i++) {
        for (struct bs_decoded *code = reading->buckets[i]; code; code = code->next) {
            bs_instructions_deinit(&code->instructions);
            bs_error_destroy(code->error);
        }
    }
    free(bs_take(reading->buckets));
    bs_arena_deinit(&reading->arena);
}

void bs_reading_close(struct bs_reading *reading) {
    close_codes(reading);
    bs_error_destroy(bs_take(reading->no_threads));
    bs_threads_deinit(&reading->threads);
    bs_evaluator_deinit(&reading->evaluator);
    bs_inferior_close(&reading->inferior);
    bs_cache_deinit(&reading->cache);
}

static struct bs_error *read_code(struct bs_reading *reading, struct bs_decoded *code) {
    struct bs_error *error =
        bs_code_read(&reading->inferior.python, code->code_addr, &reading->arena, &code->code);
    if (!error)
        error = bs_decode(&code->code, &code->instructions);
    return keep_about_data(error, &code->error);
}

struct bs_error *bs_reading_code(struct bs_reading *reading, uint64_t code_addr,
                                 const struct bs_decoded **ret) {
    struct bs_decoded **bucket = &reading->buckets[code_addr / 16 % BUCKETS];
    for (*ret = *bucket; *ret; *ret = (*ret)->next) {
        if ((*ret)->code_addr == code_addr)
            return NULL;
    }
    struct bs_decoded *code = bs_arena_alloc(&reading->arena, sizeof(*code));
    if (!code)
        return &bs_enomem;
    code->code_addr = code_addr;
    struct bs_error *error = read_code(reading, code);
    if (error)
        return error;
    code->next = *bucket;
    *ret = *bucket = code;
    return NULL;
}
