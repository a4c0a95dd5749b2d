#include "command/way_back.h"

#include "inspect/field.h"
#include "inspect/threads.h"

/* Each version has some of them. */
#define ROW(field)                                                                                 \
    { "thread." #field, offsetof(struct bs_layout, thread_##field) }
static const struct link {
    const char *name;
    size_t layout_offset; /* in struct bs_layout */
} links[BS_WAY_BACK_LINKS] = {
    ROW(frame),           ROW(cframe),        ROW(call),
    ROW(datastack_chunk), ROW(datastack_top), ROW(datastack_limit),
};
#undef ROW

static int32_t place_of(const struct bs_interpreter *python, const struct link *link) {
    return *(const int32_t *)((const char *)&python->layout + link->layout_offset);
}

static struct bs_error *find_thread(const struct bs_inferior *inferior,
                                    const struct bs_place *place, uint64_t *ret_addr) {
    _cleanup_threads_ struct bs_threads threads = {};
    *ret_addr = place->active_state_addr;
    if (*ret_addr)
        return NULL;
    struct bs_error *error = bs_threads_list(&inferior->python, &threads);
    if (error)
        return error;
    const struct bs_thread *thread =
        bs_threads_by_tid(&threads, bs_inferior_python_tid(inferior, place->tid));
    *ret_addr = thread ? thread->state_addr : 0;
    return NULL;
}

struct bs_error *bs_way_back_read(const struct bs_inferior *inferior, const struct bs_place *place,
                                  struct bs_way_back *ret) {
    const struct bs_interpreter *python = &inferior->python;
    *ret = (struct bs_way_back){};
    struct bs_error *error = find_thread(inferior, place, &ret->state_addr);
    for (size_t i = 0; !error && ret->state_addr && i < BS_WAY_BACK_LINKS; i++) {
        if (place_of(python, &links[i]) != BS_FIELD_ABSENT)
            error = bs_field_read(python, ret->state_addr, place_of(python, &links[i]),
                                  sizeof(ret->links[i]), links[i].name, &ret->links[i]);
    }
    return error;
}

struct bs_error *bs_way_back_write(const struct bs_inferior *inferior,
                                   const struct bs_way_back *way_back) {
    const struct bs_host *host = inferior->host;
    struct bs_error *error = NULL;
    for (size_t i = 0; !error && way_back->state_addr && i < BS_WAY_BACK_LINKS; i++) {
        const int32_t place = place_of(&inferior->python, &links[i]);
        if (place != BS_FIELD_ABSENT)
            error = host->write_memory(host->arg, way_back->state_addr + (uint32_t)place,
                                       &way_back->links[i], sizeof(way_back->links[i]));
    }
    return error;
}
