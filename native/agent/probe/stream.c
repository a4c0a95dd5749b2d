#include "agent/probe/stream.h"

#define BATCH 256

void bs_stream_begin(struct bs_stream *stream, struct steps *steps) {
    stream->steps = steps;
    stream->open = false;
    stream->paused_ticks = 0;
    stream->dispatches = 0;
}

static void count_until(struct bs_stream *stream, uint64_t stamp) {
    uint64_t ticks = bs_stamp_ticks(stamp, stream->stamp);
    stream->sample.ticks += ticks > stream->paused_ticks ? ticks - stream->paused_ticks : 0;
    stream->paused_ticks = 0;
    stream->stamp = stamp;
}

void bs_stream_take(struct bs_stream *stream, const struct bs_record *records, size_t count) {
    struct sample batch[BATCH];
    size_t gathered = 0;
    stream->dispatches += count;
    for (size_t i = 0; i < count; i++) {
        uint64_t where = bs_stream_place(stream, records[i].value);
        if (stream->open)
            count_until(stream, records[i].stamp);
        if (stream->open && where == stream->sample.where && stream->again &&
            stream->again[stream->sample.opcode]) {
            stream->sample.opcode = records[i].opcode;
            continue;
        }
        if (stream->open)
            batch[gathered++] = stream->sample;
        if (gathered == BATCH) {
            bs_steps_take(stream->steps, batch, gathered);
            gathered = 0;
        }
        stream->sample = (struct sample){.where = where, .opcode = records[i].opcode};
        stream->stamp = records[i].stamp;
        stream->open = true;
    }
    bs_steps_take(stream->steps, batch, gathered);
}

void bs_stream_end(struct bs_stream *stream, uint64_t stamp) {
    if (!stream->open)
        return;
    count_until(stream, stamp);
    bs_steps_take(stream->steps, &stream->sample, 1);
    stream->open = false;
}
