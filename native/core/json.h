/*
 * A trace as one JSON object, for other programs. Keys:
 *
 *   bytesight           1: the version of this object
 *   python              "3.13.0", "3.15.0a2"
 *   target              CALL as typed
 *   engine, clock       "probe" or "settrace"; "tsc" or "system"
 *   isolated            whether it ran in a clone
 *   warmups, repeats, clock_hz
 *   uninstrumented_ns, instrumented_ns, probe_overhead_ns     null when nothing was timed
 *   result              {"kind": "return"}, {"kind": "exception", "type": , "message": },
 *                       or how else CALL ended: {"kind": "crashed", "signal": 11}, ...
 *   events_seen         where `events` are fewer: how many there were
 *   notes               where there are any: texts that a reader of the times should know
 *   instructions, native   of all of CALL, where it was walked and ran no opcode
 *   events              call, line, opcode, return, exception, stop, in order
 *
 * An opcode has `time_ns` only where it was timed by itself: not where it ran as one with the
 * opcode before it. The times in it are as shown, but for `raw_min`, from which nothing was taken
 * off; `uncertainty` is one standard deviation of `min`. Only where it was walked it has
 * `instructions`, of the machine, and `native`: the C functions that the evaluator called for it,
 * in preorder, each with `depth` (from 0), `function`, `file`, `line`, `instructions` (its own),
 * `total` (with what it called) and `inlined` (its own are counted with the function around it).
 * Missing numbers and texts are null: `arg` of an instruction without, `line` of code without,
 * `value` of a frame that an exception left.
 */
#ifndef BS_CORE_JSON_H
#define BS_CORE_JSON_H

#include "core/trace.h"

/* Append the object to @p buffer, which may have a sink: one event is in memory at a time. */
struct bs_error *bs_json_render(const struct bs_trace *trace, struct bs_buffer *buffer);

/*
 * Write it to the file @p path, which is replaced at once or not at all. @p goes_on is asked now
 * and then, and ends it with the error that it returns.
 */
struct bs_error *bs_json_save(const struct bs_trace *trace, const char *path,
                              struct bs_error *(*goes_on)(void *arg), void *arg);

#endif
