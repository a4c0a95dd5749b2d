#include "inspect/cframe.h"

#include "inspect/field.h"
#include "inspect/object.h"

/* C functions between two evaluator calls rarely need more; deeper ones are not found. */
#define SEARCH_BYTES (256 * 1024)

#define CALLS_MAX 100000

struct cframe {
    uint64_t frame_addr, previous_addr;
};

static struct bs_error *read_cframe(const struct bs_interpreter *python, uint64_t addr,
                                    struct cframe *ret) {
    struct bs_error *error = bs_field(python, addr, cframe, frame, &ret->frame_addr);
    return error ? error : bs_field(python, addr, cframe, previous, &ret->previous_addr);
}

/* Whether @p addr can hold a frame: it has a code object. */
static bool is_frame(const struct bs_interpreter *python, uint64_t addr) {
    uint64_t code_addr;
    if (!addr || addr % 8)
        return false;
    struct bs_error *error = bs_field(python, addr, frame, code, &code_addr);
    if (!error)
        error = bs_object_expect(python, code_addr, BS_KIND_CODE, "frame.code");
    bool is = !error;
    bs_error_destroy(error);
    return is;
}

/* A cframe of a running call; *ret_last when the one before it is the thread's own. */
static bool is_cframe(const struct bs_interpreter *python, uint64_t root_addr, uint64_t addr,
                      uint64_t *ret_previous_addr, bool *ret_last) {
    struct cframe cframe;
    struct bs_error *error = read_cframe(python, addr, &cframe);
    bool readable = !error;
    bs_error_destroy(error);
    if (!readable || cframe.previous_addr % 8 || !is_frame(python, cframe.frame_addr))
        return false;
    *ret_previous_addr = cframe.previous_addr;
    *ret_last = cframe.previous_addr == root_addr;
    return *ret_last || cframe.previous_addr > addr;
}

/* Two words may look like a cframe by chance; what leads to the thread's own cframe is one. */
static bool leads_to_root(const struct bs_interpreter *python, uint64_t root_addr, uint64_t addr) {
    bool last = false;
    for (size_t i = 0; i < CALLS_MAX && !last; i++) {
        if (!is_cframe(python, root_addr, addr, &addr, &last))
            return false;
    }
    return last;
}

struct bs_error *bs_cframe_before(const struct bs_interpreter *python, uint64_t thread_state_addr,
                                  uint64_t cframe_addr, uint64_t *ret_addr) {
    uint64_t root_addr = thread_state_addr + (uint32_t)python->layout.thread_root_cframe;
    struct cframe cframe;
    *ret_addr = 0;
    struct bs_error *error = read_cframe(python, cframe_addr, &cframe);
    if (error)
        return error;
    if (leads_to_root(python, root_addr, cframe.previous_addr)) {
        *ret_addr = cframe.previous_addr;
        return NULL;
    }
    for (uint64_t i = 8; i < SEARCH_BYTES && !*ret_addr; i += 8) {
        if (leads_to_root(python, root_addr, cframe_addr + i))
            *ret_addr = cframe_addr + i;
    }
    return NULL;
}
