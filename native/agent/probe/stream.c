#include "agent/probe/stream.h"

#define BATCH 256

void bs_stream_begin(struct bs_stream *stream, struct steps *steps) {
    stream->steps = steps;
    stream->open = false;
    stream->paused_ticks = 0;
    stream->dispatches = 0;
    stream->timed = 0;
    stream->timed_ticks = 0;
}

/* The instruction ended, at @p stamp if that is known. */
static void end_instruction(struct bs_stream *stream, bool stamped, uint64_t stamp) {
    const uint64_t ticks = bs_stamp_ticks(stamp, stream->stamp);
    stream->sample.ticks = SAMPLE_UNTIMED;
    if (stamped && stream->stamped) {
        stream->sample.ticks = ticks > stream->paused_ticks ? ticks - stream->paused_ticks : 0;
        stream->timed_ticks += (double)stream->sample.ticks;
        stream->timed++;
    }
    stream->paused_ticks = 0;
}

void bs_stream_take(struct bs_stream *stream, const struct bs_record *records, size_t count) {
    struct sample batch[BATCH];
    size_t gathered = 0;
    stream->dispatches += count;
    for (size_t i = 0; i < count; i++) {
        const uint64_t where = bs_stream_place(stream, records[i].value);
        const bool stamped = records[i].action == BS_ACTION_STAMP;
        if (stream->open && where == stream->sample.where && stream->again &&
            stream->again[stream->sample.opcode]) {
            stream->sample.opcode = records[i].opcode;
            continue;
        }
        if (stream->open) {
            end_instruction(stream, stamped, records[i].stamp);
            batch[gathered++] = stream->sample;
        }
        if (gathered == BATCH) {
            bs_steps_take(stream->steps, batch, gathered);
            gathered = 0;
        }
        stream->sample = (struct sample){.where = where, .opcode = records[i].opcode};
        stream->stamped = stamped;
        stream->stamp = records[i].stamp;
        stream->open = true;
    }
    bs_steps_take(stream->steps, batch, gathered);
}

void bs_stream_end(struct bs_stream *stream, uint64_t stamp) {
    if (!stream->open)
        return;
    end_instruction(stream, true, stamp);
    bs_steps_take(stream->steps, &stream->sample, 1);
}
