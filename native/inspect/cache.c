#include "inspect/cache.h"

#include <string.h>

#define PAGE_BYTES 4096

/* Direct mapped: a page has one place. */
struct bs_cache_page {
    uint64_t addr;
    enum page_state {
        PAGE_EMPTY,
        PAGE_WHOLE,
        PAGE_PARTIAL, /* could not be read as a whole: parts of it may be readable */
    } state;
    uint8_t data[PAGE_BYTES];
};

/* The page at the place of @p page_addr, which may be another one; NULL: no memory. */
static struct bs_cache_page *page_of_place(struct bs_cache *cache, uint64_t page_addr) {
    struct bs_cache_page **place = &cache->pages[page_addr / PAGE_BYTES % BS_CACHE_PAGES];
    if (!*place && (*place = malloc(sizeof(**place))))
        (*place)->state = PAGE_EMPTY;
    return *place;
}

static struct bs_error *load(struct bs_cache *cache, uint64_t page_addr,
                             struct bs_cache_page **ret) {
    struct bs_cache_page *page = page_of_place(cache, page_addr);
    if (!page)
        return &bs_enomem;
    *ret = page;
    if (page->state != PAGE_EMPTY && page->addr == page_addr)
        return NULL;
    const struct bs_target *source = cache->source;
    struct bs_error *error = source->read(source->arg, page_addr, page->data, PAGE_BYTES);
    page->addr = page_addr;
    page->state = error ? PAGE_PARTIAL : PAGE_WHOLE;
    if (!error || error->code == BS_ERROR_FAULT) {
        bs_error_destroy(error);
        return NULL;
    }
    page->state = PAGE_EMPTY;
    return error;
}

static struct bs_error *cache_read(void *arg, uint64_t addr, void *ret, size_t length) {
    struct bs_cache *cache = arg;
    const struct bs_target *source = cache->source;
    uint8_t *out = ret;
    /* What is large is read once; and near the end of the address space pages would wrap. */
    if (length > PAGE_BYTES || addr > UINT64_MAX - 2 * PAGE_BYTES)
        return source->read(source->arg, addr, ret, length);
    while (length) {
        uint64_t offset = addr % PAGE_BYTES;
        size_t part = length < PAGE_BYTES - offset ? length : PAGE_BYTES - offset;
        struct bs_cache_page *page;
        struct bs_error *error = load(cache, addr - offset, &page);
        if (!error && page->state == PAGE_WHOLE)
            memcpy(out, page->data + offset, part);
        else if (!error)
            error = source->read(source->arg, addr, out, part);
        if (error)
            return error;
        addr += part;
        out += part;
        length -= part;
    }
    return NULL;
}

static struct bs_error *cache_lookup(void *arg, const char *name, uint64_t *ret_addr) {
    const struct bs_target *source = ((struct bs_cache *)arg)->source;
    return source->lookup(source->arg, name, ret_addr);
}

static struct bs_error *cache_modules(void *arg, bs_module_fn fn, void *fn_arg) {
    const struct bs_target *source = ((struct bs_cache *)arg)->source;
    return source->modules(source->arg, fn, fn_arg);
}

struct bs_error *bs_cache_init(const struct bs_target *source, struct bs_cache *ret) {
    struct bs_cache_page **pages = calloc(BS_CACHE_PAGES, sizeof(struct bs_cache_page *));
    if (!pages)
        return &bs_enomem;
    *ret = (struct bs_cache){
        .target = {ret, cache_read, cache_lookup, cache_modules},
        .source = source,
        .pages = pages,
    };
    return NULL;
}

void bs_cache_deinit(struct bs_cache *cache) {
    for (size_t i = 0; cache->pages && i < BS_CACHE_PAGES; i++)
        free(cache->pages[i]);
    free(cache->pages);
    cache->pages = NULL;
}
