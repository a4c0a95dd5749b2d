/*
 * Whether the stack that a thread is on has room for a call. A call into the inferior is made below
 * the frame at which it was stopped; where that is the stack of a signal handler, of a coroutine or
 * of a thread that was given little, the loader would write over what lies below.
 */
#ifndef BS_COMMAND_STACK_ROOM_H
#define BS_COMMAND_STACK_ROOM_H

#include "command/inferior.h"
#include "command/thread_stack.h"

/*
 * Fails when the stack of thread @p tid, whose innermost C frames are the first @p count of
 * @p natives, is known to have too little room. It is known for a process of this machine.
 */
struct bs_error *bs_stack_room_check(const struct bs_inferior *inferior, int tid,
                                     const struct bs_native_frame *natives, size_t count);

#endif
