/*
 * An engine times the instructions of one call. There is one file, or room, per engine; engines.c
 * lists them, best first, and run.c uses whichever can be used, knowing none of them.
 *
 *     open ── (begin ── CALL ── end)* ── (refine ── (begin ── CALL)+ ── end)* ── close
 *          ── the trace pass ── (locate, correct)*
 *
 * All of it happens on one thread that holds the GIL. Between begin and end an engine notes, for
 * every instruction that this thread executes, where it was and how long it took, and hands these
 * samples on in order with bs_steps_take(): at the end, or before, whenever its memory is full.
 * While an engine does not record, it must leave nothing behind that slows the interpreter down.
 *
 * To add an engine: define a `const struct engine`, give it a row in engines.c and a number in
 * enum bs_engine of format/image.h.
 */
#ifndef BS_AGENT_ENGINE_H
#define BS_AGENT_ENGINE_H

#include "agent/codes.h"
#include "agent/steps.h"
#include "format/request.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What an engine is given; it lives until after the last locate. For the calibration, between one
 * end and the next begin, codes and steps are exchanged for others for a while.
 */
struct engine_setup {
    const struct bs_request *request;
    struct codes *codes; /* the code objects seen so far; more come with every run */
    struct steps *steps; /* where the samples go */
};

/* What an engine knows of whole runs after it has refined, all of it of the same moments. */
struct engine_totals {
    double without_ticks, with_ticks; /* a run of CALL without the engine and with it; 0: unknown */
    double entry_ticks;               /* of the first, what passes before the first opcode */
    double aftermath_part;            /* as in bs_image_header.aftermath_ppm, of 1 */
    bool patterned;                   /* as BS_IMAGE_PATTERNED says */
};

struct engine {
    enum bs_engine kind;
    const char *name;

    /*
     * Get ready: allocate, verify, whatever takes time or runs Python code (which is run here and
     * nowhere else). False: this engine cannot be used, nothing is left behind, and @p reason holds
     * one sentence without a full stop that says why. True: @p reason, which says why a better
     * engine cannot be used, may be replaced by a remark on this one. No Python exception stays
     * set.
     */
    bool (*open)(const struct engine_setup *setup, char *reason, size_t reason_bytes);

    /*
     * Record from here to `end`. Nothing else happens between them but one call of a Python object
     * from C, and the readings of the clock right before and after it, which `end` is given.
     * Neither fails, allocates, nor runs Python code. A CALL that raised ends in `end` too. Gives
     * back how many clock ticks of the run the engine took off to hand samples on, which are in no
     * sample.
     */
    void (*begin)(void);
    uint64_t (*end)(uint64_t start_ticks, uint64_t end_ticks);

    /*
     * What one step contains of the engine, in clock ticks, as calibrated on a run of NOPs through
     * this same interface; 0: that failed. Called once, between open and the first run of CALL, of
     * which the next are not measured. May be NULL.
     */
    void (*calibrated)(double overhead_ticks);

    /*
     * After the repeats, and before close: whether the engine wants another run of CALL, between
     * begin and end, to find out what of its times is its own. It is no repeat, and no samples are
     * taken of it. Others may go right before it (timed.h), each with a begin of its own, which
     * drops what was recorded since the last. May be NULL, and need not be called to the end.
     */
    bool (*refine)(void);

    /*
     * What it found out by refining; false: nothing. Called once, after that and before close: no
     * run is measured any more. May be NULL.
     */
    bool (*totals)(struct engine_totals *ret);

    /* Undo open. bs_steps_take() is not called any more. Also called when the run is cut short. */
    void (*close)(void);

    /* For bs_run_abandon(), whatever was under way: stop, so that open can be called again. */
    void (*abandon)(void);

    /*
     * After the trace pass, when every code object that ran is known: the code number and the
     * instruction that a sample's `where` stands for. False when it cannot be told any more.
     */
    bool (*locate)(uint64_t where, uint32_t *ret_code, uint32_t *ret_offset_units);

    /*
     * After close: put into @p step what the engine knows better than its samples say: its cost,
     * the error of that, and min_ticks, where single differences of the clock say little. @p index
     * is that of bs_steps_step(), or ENGINE_NO_INDEX for an instruction. May be NULL.
     */
    void (*correct)(size_t index, struct step *step);
};
#define ENGINE_NO_INDEX SIZE_MAX

extern const struct engine bs_engine_settrace;
extern const struct engine bs_engine_probe;

/*
 * Open the best engine that can be used, or the one that the request names. NULL: none, and
 * @p reason says why. Otherwise @p reason says why a better one was not used, or what there is to
 * say of this one, or is empty.
 */
const struct engine *bs_engine_open(const struct engine_setup *setup, char *reason,
                                    size_t reason_bytes);
/* For bs_run_abandon(). */
void bs_engines_abandon(void);

#endif
