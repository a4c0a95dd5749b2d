#include "agent/value_stack.h"

#include "agent/python.h"

#include <stddef.h>

static char **lent; /* where it was written; NULL: nowhere */

void bs_value_stack_lend(const struct bs_request *request) {
    if (!request->thread_frame || !request->frame_stack_pointer)
        return;
    char *frame = *(char **)((char *)PyThreadState_Get() + request->thread_frame);
    char **stack_pointer = (char **)(frame + request->frame_stack_pointer);
    if (!frame || *stack_pointer)
        return;
    *stack_pointer = frame + request->frame_slots;
    lent = stack_pointer;
}

void bs_value_stack_take_back(void) {
    if (lent)
        *lent = NULL;
    lent = NULL;
}
