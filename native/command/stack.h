/*
 * Python frames among C frames: what the verb `stack` prints, for debuggers that show them in
 * lists of their own (a frame filter of GDB, a frame format of LLDB).
 */
#ifndef BS_COMMAND_STACK_H
#define BS_COMMAND_STACK_H

#include "command/host.h"
#include "core/code.h"

/* One Python frame; texts are valid during the callback only. */
struct bs_stack_frame {
    size_t level; /* of the C frame that runs it, counted as walk() gives them; SIZE_MAX: unknown */
    struct bs_text function, file;
    uint32_t line;         /* BS_NO_LINE (core/decode.h): not known */
    struct bs_text opcode; /* the current instruction, as "74 CALL 1"; empty: not known */
};
typedef bool (*bs_stack_fn)(void *arg, const struct bs_stack_frame *frame); /* false: stop */

/*
 * Call @p fn for each Python frame of thread @p tid, innermost first; not at all for a thread that
 * has none. Frames that cannot be read are left out. Fails as bs_inferior_open() does.
 */
struct bs_error *bs_stack_python(const struct bs_host *host, int tid, bs_stack_fn fn, void *fn_arg);

#endif
