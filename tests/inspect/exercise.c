#include "exercise.h"

#include "core/decode.h"
#include "inspect/cache.h"
#include "inspect/code_reader.h"
#include "inspect/gil.h"
#include "inspect/mixed.h"
#include "inspect/names.h"

#include <string.h>

static void mix(struct exercise *exercise, const void *data, size_t length) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < length; i++)
        exercise->hash = (exercise->hash ^ bytes[i]) * 0x100000001b3ull;
}

static bool note(struct exercise *exercise, struct bs_error *error) {
    if (error)
        mix(exercise, error->message, strlen(error->message));
    exercise->errors += error != NULL;
    bs_error_destroy(error);
    return !error;
}

static void read_code(const struct bs_interpreter *python, uint64_t code_addr,
                      struct exercise *exercise) {
    _cleanup_arena_ struct bs_arena arena = BS_ARENA_INIT;
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    struct bs_instructions instructions;
    struct bs_code code;
    if (!note(exercise, bs_code_read(python, code_addr, &arena, &code)) ||
        !note(exercise, bs_decode(&code, &instructions)))
        return;
    exercise->codes++;
    exercise->instructions += instructions.count;
    for (size_t i = 0; i < instructions.count && buffer.length < 100000; i++) {
        bs_instruction_argrepr(&instructions, &instructions.items[i], &buffer);
        bs_instruction_caches(&instructions, &instructions.items[i], &buffer);
    }
    mix(exercise, buffer.data, buffer.length);
    mix(exercise, code.qualname.data, code.qualname.length);
    mix(exercise, code.exceptiontable.data, code.exceptiontable.length);
    bs_instructions_deinit(&instructions);
}

/* C frames as they might be: one around each place that a Python frame names. */
static void merge(const struct bs_interpreter *python, const struct bs_frames *frames,
                  struct exercise *exercise) {
    _cleanup_evaluator_ struct bs_evaluator evaluator = {};
    _cleanup_mixed_ struct bs_mixed mixed = {};
    struct bs_native_frame natives[64];
    size_t count = 0;
    if (exercise->evaluator)
        note(exercise, bs_evaluator_find(python, &evaluator));
    for (size_t i = 0; i < frames->count && count < 64; i++) {
        if (frames->items[i].is_entry)
            natives[count++] =
                (struct bs_native_frame){python->eval_addr + i, frames->items[i].native_addr + 64};
    }
    const struct bs_native_stack stack = {natives, count, &evaluator};
    if (!note(exercise, bs_mixed_merge(python, &stack, frames, &mixed)))
        return;
    for (size_t level = 0; level < count; level++) {
        size_t nearest = bs_mixed_nearest(&mixed, frames, level);
        mix(exercise, &nearest, sizeof(nearest));
    }
}

/* Walk again, with calls as they might be around the same places. */
static void walk_again(const struct bs_interpreter *python, const struct bs_thread *thread,
                       const struct bs_frames *frames, struct exercise *exercise) {
    _cleanup_frames_ struct bs_frames again = {};
    struct bs_address_range ranges[64];
    struct bs_evaluator_calls calls = {.items = ranges};
    for (size_t i = 0; i < frames->count && calls.count < 64; i++) {
        uint64_t addr = frames->items[i].native_addr;
        if (frames->items[i].is_entry)
            ranges[calls.count++] = (struct bs_address_range){addr - 64, addr + 64};
    }
    if (note(exercise, bs_frames_walk(python, thread, &calls, &again)))
        note(exercise, bs_take(again.stopped));
    mix(exercise, &again.count, sizeof(again.count));
}

static void read_frames(const struct bs_interpreter *python, const struct bs_thread *thread,
                        struct exercise *exercise) {
    _cleanup_frames_ struct bs_frames frames = {};
    if (!note(exercise, bs_frames_walk(python, thread, NULL, &frames)))
        return;
    exercise->frames += frames.count;
    for (size_t i = 0; i < frames.count; i++) {
        const struct bs_frame *frame = &frames.items[i];
        mix(exercise, &frame->offset_units, sizeof(frame->offset_units));
        if (frame->code_addr && exercise->codes < exercise->codes_max)
            read_code(python, frame->code_addr, exercise);
    }
    merge(python, &frames, exercise);
    walk_again(python, thread, &frames, exercise);
    note(exercise, bs_take(frames.stopped));
    if (!frames.count || !exercise->name)
        return;
    _cleanup_arena_ struct bs_arena arena = BS_ARENA_INIT;
    struct bs_texts names = {};
    uint64_t code_addr;
    note(exercise, bs_inspect_names(python, frames.items, &arena, &names));
    exercise->names += names.count;
    if (note(exercise, bs_inspect_find_code(python, frames.items, exercise->name, &code_addr)))
        read_code(python, code_addr, exercise);
    note(exercise, bs_inspect_find_code(python, NULL, exercise->name, &code_addr));
}

struct bs_error *exercise_target(const struct bs_target *target, struct exercise *exercise) {
    _cleanup_cache_ struct bs_cache cache = {};
    _cleanup_interpreter_ struct bs_interpreter python = {};
    _cleanup_threads_ struct bs_threads threads = {};
    struct bs_gil gil;
    struct bs_error *error = bs_cache_init(target, &cache);
    if (!error)
        error = bs_interpreter_find(&cache.target, &python);
    if (error)
        return error;
    note(exercise, bs_gil_read(&python, &gil));
    error = bs_threads_list(&python, &threads);
    if (error)
        return error;
    exercise->threads = threads.count;
    for (size_t i = 0; i < threads.count && i < 16; i++)
        read_frames(&python, &threads.items[i], exercise);
    note(exercise, bs_take(threads.stopped));
    return NULL;
}
