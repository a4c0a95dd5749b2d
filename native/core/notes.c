#include "core/notes.h"

#include "core/calls.h"
#include "core/number.h"
#include "core/opcodes.h"
#include "core/text.h"

static bool has_flag(const struct bs_notes *notes, uint32_t flag) {
    return notes->trace->header->flags & flag;
}

static void find(struct bs_found *found, size_t index) {
    if (!found->count++)
        found->first = index;
}

/*
 * 3.10 comes to the first opcode of a function, and of a handler, by a switch of its own and not by
 * the table. That a Python does so is seen at the very first opcode, which every repeat ran.
 */
static void find_untimed(struct bs_notes *notes) {
    const struct bs_trace *trace = notes->trace;
    const struct bs_instruction *above = NULL;
    bool begins = false /* a function or a handler */, first = true, passes_table = false;
    for (size_t i = 0; i < trace->event_count; i++) {
        const uint32_t kind = trace->events[i].kind;
        const bool untimed = bs_trace_timed(trace, i, &above) == BS_TIMED_NOT;
        if (kind == BS_EVENT_OPCODE) {
            passes_table |= first && untimed;
            first = false;
        }
        if (untimed)
            find(begins && passes_table ? &notes->past_table : &notes->untimed, i);
        if (kind != BS_EVENT_LINE)
            begins = kind == BS_EVENT_CALL || kind == BS_EVENT_EXCEPTION;
    }
}

static void find_reformed(struct bs_notes *notes) {
    for (size_t i = 0; i < notes->trace->event_count; i++) {
        if (bs_trace_other_opcode(notes->trace, i))
            find(&notes->reformed, i);
    }
}

static bool ran_as(const struct bs_trace *trace, size_t index, int opcode) {
    size_t count;
    const struct bs_step *steps = bs_trace_steps(trace, index, &count);
    bool ran = false;
    for (size_t i = 0; steps && i < count; i++)
        ran |= steps[i].opcode == opcode || steps[i].other_opcode == opcode;
    return ran;
}

/* With PYTHON_JIT, machine code that was made of a loop runs in place of its opcodes. */
static void find_compiled(struct bs_notes *notes) {
    const struct bs_trace *trace = notes->trace;
    const int enter = bs_opcodes_number(bs_opcodes_find(trace->header->python), "ENTER_EXECUTOR");
    if (enter < 0 || trace->header->engine != BS_ENGINE_PROBE)
        return;
    for (size_t i = 0; i < trace->event_count; i++) {
        if (ran_as(trace, i, enter))
            find(&notes->compiled, i);
    }
}

static bool debug_build(const struct bs_notes *notes) {
    return has_flag(notes, BS_IMAGE_DEBUG_BUILD);
}

static void print_debug_build(const struct bs_notes *notes, struct bs_buffer *buffer) {
    bs_buffer_text(buffer, "this Python is a debug build: its own checks are in every time and in "
                           "the C functions");
}

static bool raised(const struct bs_notes *notes) {
    return notes->trace->header->outcome == BS_OUTCOME_RAISED;
}

static void print_raised(const struct bs_notes *notes, struct bs_buffer *buffer) {
    const struct bs_image_header *header = notes->trace->header;
    struct bs_raised why = bs_trace_raised(notes->trace, header->outcome_text);
    bs_buffer_text(buffer, "the call raised ");
    bs_buffer_clean(buffer, why.type);
    bs_buffer_text(buffer, why.message.length ? ": " : "");
    bs_buffer_clean(buffer, why.message);
}

static bool pools(const struct bs_notes *notes) {
    return has_flag(notes, BS_IMAGE_POOLS);
}

static void print_pools(const struct bs_notes *notes, struct bs_buffer *buffer) {
    bs_buffer_text(buffer, "libraries that compute in several threads (BLAS, OpenMP) had but one: "
                           "a copy of the process has no others, --in-process has them");
}

static bool compiled(const struct bs_notes *notes) {
    return notes->compiled.count;
}

static void print_compiled(const struct bs_notes *notes, struct bs_buffer *buffer) {
    bs_buffer_text(buffer, "Python ran machine code made of opcodes (PYTHON_JIT), first at event ");
    bs_buffer_count(buffer, (uint64_t)notes->compiled.first + 1, 0);
    bs_buffer_text(buffer, ": all its time is with the opcode that enters it");
}

static bool diverged(const struct bs_notes *notes) {
    return has_flag(notes, BS_IMAGE_DIVERGED);
}

static void print_diverged(const struct bs_notes *notes, struct bs_buffer *buffer) {
    bs_buffer_text(buffer, "repeats took different paths from event ");
    bs_buffer_count(buffer, (uint64_t)notes->trace->header->diverged_event + 1, 0);
    bs_buffer_text(buffer, " on: from there each time is that of the instruction, over all its "
                           "executions");
}

static bool per_instruction(const struct bs_notes *notes) {
    return has_flag(notes, BS_IMAGE_PER_INSTRUCTION) && !diverged(notes);
}

static void print_per_instruction(const struct bs_notes *notes, struct bs_buffer *buffer) {
    bs_buffer_text(buffer, "too long to time each event by itself: each time is that of the "
                           "instruction, over all its executions");
}

static bool events_lost(const struct bs_notes *notes) {
    return has_flag(notes, BS_IMAGE_EVENTS_LOST);
}

static void print_events_lost(const struct bs_notes *notes, struct bs_buffer *buffer) {
    struct bs_trace_cut cut;
    bs_trace_is_cut(notes->trace, &cut);
    bs_buffer_text(buffer, "only the first ");
    bs_buffer_count(buffer, cut.kept, 0);
    bs_buffer_text(buffer, " of ");
    bs_buffer_count(buffer, cut.seen, 0);
    bs_buffer_text(buffer, " events were kept ");
    bs_buffer_text(buffer, cut.full ? "(the room for code and texts is full)" : "(--max-events)");
}

static bool reformed(const struct bs_notes *notes) {
    return notes->reformed.count;
}

static void print_reformed(const struct bs_notes *notes, struct bs_buffer *buffer) {
    bs_buffer_text(buffer, "specialisation changed between repeats at ");
    bs_buffer_count(buffer, notes->reformed.count, 0);
    bs_buffer_text(buffer, " of the opcodes; show --event ");
    bs_buffer_count(buffer, (uint64_t)notes->reformed.first + 1, 0);
    bs_buffer_text(buffer, " names both forms of the first of them");
}

static bool past_table(const struct bs_notes *notes) {
    return notes->past_table.count;
}

static void print_past_table(const struct bs_notes *notes, struct bs_buffer *buffer) {
    bs_buffer_text(buffer, "this Python begins functions and handlers past its table: ");
    bs_buffer_count(buffer, notes->past_table.count, 0);
    bs_buffer_text(buffer, notes->past_table.count == 1
                               ? " of the opcodes has no time of its own"
                               : " of the opcodes have no time of their own");
    bs_buffer_text(buffer, ", it is with the opcode before");
}

static bool untimed(const struct bs_notes *notes) {
    return notes->untimed.count;
}

static void print_untimed(const struct bs_notes *notes, struct bs_buffer *buffer) {
    bs_buffer_text(buffer, "no repeat timed ");
    bs_buffer_count(buffer, notes->untimed.count, 0);
    bs_buffer_text(buffer, " of the opcodes, from event ");
    bs_buffer_count(buffer, (uint64_t)notes->untimed.first + 1, 0);
    bs_buffer_text(buffer, " on: they have no time");
}

static bool agent_said(const struct bs_notes *notes) {
    return notes->trace->header->walk_text;
}

static void print_agent(const struct bs_notes *notes, struct bs_buffer *buffer) {
    bs_buffer_clean(buffer, bs_trace_text(notes->trace, notes->trace->header->walk_text));
}

static bool was_cut(const struct bs_notes *notes) {
    return notes->trace->header->flags & BS_IMAGE_CALLS_CUT;
}

static void print_cut(const struct bs_notes *notes, struct bs_buffer *buffer) {
    size_t end = notes->trace->walk ? notes->trace->walk->end_event : 0;
    if (end)
        bs_buffer_format(buffer, "C functions are known up to event #%zu", end);
    else
        bs_buffer_text(buffer, "C functions are known of no event");
    bs_buffer_text(buffer, ": the walk ended after ");
    bs_buffer_count(buffer, notes->trace->header->walk_limit, 0);
    bs_buffer_text(buffer, " machine instructions (--max-walk)");
    /* Each round of a string instruction takes a step, but is none of the instructions counted. */
    if (notes->trace->header->walked_instructions < notes->trace->header->walk_limit / 2)
        bs_buffer_text(buffer, ", rounds of string instructions included");
}

static bool went_elsewhere(const struct bs_notes *notes) {
    const bool lost =
        notes->trace->header->flags & BS_IMAGE_EVENTS_LOST; /* what is of them is stray */
    return notes->trace->walk &&
           (notes->trace->walk->missing_count || (notes->trace->walk->stray_count && !lost));
}

static void print_elsewhere(const struct bs_notes *notes, struct bs_buffer *buffer) {
    const struct bs_calls *calls = notes->trace->walk;
    bs_buffer_text(buffer, "the walk of C functions took another path than the trace");
    if (calls->missing_count)
        bs_buffer_format(buffer,
                         " at event #%zu, or ran code that is made anew each time: %zu opcodes "
                         "have none",
                         calls->missing_event + 1, calls->missing_count);
}

static const struct note {
    enum bs_notes_of of;
    bool (*holds)(const struct bs_notes *notes);
    void (*print)(const struct bs_notes *notes, struct bs_buffer *buffer);
} table[] = {
    {BS_NOTES_OF_TIMES, debug_build, print_debug_build},
    {BS_NOTES_OF_TIMES, raised, print_raised},
    {BS_NOTES_OF_TIMES, pools, print_pools},
    {BS_NOTES_OF_TIMES, compiled, print_compiled},
    {BS_NOTES_OF_TIMES, diverged, print_diverged},
    {BS_NOTES_OF_TIMES, per_instruction, print_per_instruction},
    {BS_NOTES_OF_TIMES, events_lost, print_events_lost},
    {BS_NOTES_OF_TIMES, reformed, print_reformed},
    {BS_NOTES_OF_TIMES, past_table, print_past_table},
    {BS_NOTES_OF_TIMES, untimed, print_untimed},
    {BS_NOTES_OF_CALLS, agent_said, print_agent},
    {BS_NOTES_OF_CALLS, was_cut, print_cut},
    {BS_NOTES_OF_CALLS, went_elsewhere, print_elsewhere},
};

void bs_notes_init(const struct bs_trace *trace, unsigned int of, struct bs_notes *ret) {
    *ret = (struct bs_notes){.trace = trace, .of = of};
    if (!(of & BS_NOTES_OF_TIMES))
        return;
    find_reformed(ret);
    find_compiled(ret);
    find_untimed(ret);
}

bool bs_notes_next(struct bs_notes *notes) {
    while (notes->next < sizeof(table) / sizeof(*table)) {
        const struct note *note = &table[notes->next++];
        if (note->of & notes->of && note->holds(notes))
            return true;
    }
    return false;
}

void bs_notes_print(const struct bs_notes *notes, struct bs_buffer *buffer) {
    table[notes->next - 1].print(notes, buffer);
}
