/* The timed part of a run: what the header says of it, and steps that fit the events. */
#include "check.h"
#include "drive.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX(items) (sizeof(items) / sizeof((items)[0]))

static size_t image_count(const struct run *run, enum bs_section_kind kind, size_t size_bytes) {
    return run->header.sections[kind].used_bytes / size_bytes;
}

/* The timings of @p step make sense by themselves. */
static bool is_plausible(const struct bs_step *step) {
    return step->min_ns >= 0 && step->min_ns <= step->median_ns * 1.001f &&
           step->min_ns <= step->mean_ns * 1.001f && step->mean_ns < 1e9f;
}

static void check_steps(const struct run *run) {
    const struct bs_trace *trace = run->trace;
    if (!CHECK(trace && trace->steps))
        return;
    size_t step = 0, implausible = 0;
    for (size_t i = 0; i < trace->event_count; i++) {
        const struct bs_event *event = &trace->events[i];
        if (event->kind != BS_EVENT_OPCODE)
            continue;
        if (!CHECK(step < trace->step_count))
            return;
        const struct bs_step *timed = &trace->steps[step++];
        CHECK_EQ(timed->code, event->code);
        CHECK_EQ(timed->offset_units, event->offset_units);
        implausible += !is_plausible(timed);
    }
    CHECK_EQ(step, trace->step_count);
    CHECK_EQ(implausible, 0);
}

/* The settrace engine has one step for each opcode event, in order, and a header that adds up. */
static void time_calls(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "loop(50)", .options = "profile=1\nwarmups=100\nrepeats=100"},
        {.call = "consume(3)", .options = "profile=1\nwarmups=30\nrepeats=40"},
        {.call = "unwound()", .options = "profile=1"},
        {.call = "wide()", .options = "profile=1"},
        {.call = "run_steps(3)", .options = "profile=1"},
        {.call = "sorted([3, 1, 2], key=lambda v: -v)", .options = "profile=1"},
    };
    drive(interpreter, CASES, runs, MAX(runs));
    for (size_t i = 0; i < MAX(runs); i++) {
        const struct bs_image_header *header = &runs[i].header;
        CHECK(header->flags & BS_IMAGE_TIMED);
        CHECK(!(header->flags & (BS_IMAGE_PER_INSTRUCTION | BS_IMAGE_DIVERGED)));
        CHECK_EQ(header->engine, BS_ENGINE_SETTRACE);
        CHECK(header->uninstrumented_ns > 0);
        CHECK(header->uninstrumented_median_ns + header->clock_step_ns >=
              header->uninstrumented_ns);
        CHECK(header->elapsed_ns > header->instrumented_ns);
        CHECK(header->overhead_ns > 0 && header->overhead_ns < 2000);
        CHECK(header->overhead_spread_ns >= 0);
        CHECK(header->clock_step_ns > 0 && header->clock_step_ns < 1000);
        CHECK(header->clock_hz >= 1000000);
        check_steps(&runs[i]);
    }
    CHECK_EQ(runs[0].header.warmups, 100);
    CHECK_EQ(runs[0].header.repeats, 100);
    CHECK_EQ(runs[0].header.uninstrumented_repeats, 100);
    CHECK_EQ(runs[1].header.repeats, 40);
    /* A trace function costs several times what an instruction does: the one is without it. */
    CHECK(runs[0].header.instrumented_ns > 1.5 * runs[0].header.uninstrumented_ns);
    drive_release(runs, MAX(runs));
}

TEST(profile, times_every_opcode_event) {
    interpreters_each(time_calls);
}

/* A call of a known duration: the opcode that waits has that time, and the others do not. */
static void time_sleep(const struct interpreter *interpreter) {
    struct run run = {.call = "sleep(0.002)", .options = "profile=1\nwarmups=1\nrepeats=5"};
    drive(interpreter, CASES, &run, 1);
    CHECK(run.header.uninstrumented_ns > 2e6 && run.header.uninstrumented_ns < 2e7);
    size_t slow = 0;
    for (size_t i = 0; run.trace && i < run.trace->step_count; i++)
        slow += run.trace->steps[i].min_ns > 1.9e6f;
    CHECK_EQ(slow, 1);
    drive_release(&run, 1);
}

TEST(profile, finds_where_time_goes) {
    interpreters_each(time_sleep);
}

/* A library that changes the program's clock changes no time of ours. */
static void check_slow_clock(const struct interpreter *interpreter) {
    struct run runs[] = {{.call = "loop(50)", .options = "profile=1"},
                         {.call = "loop(50)", .options = "profile=1"}};
    drive(interpreter, CASES, &runs[0], 1);
    setenv("LD_PRELOAD", BUILD_DIR "/tests/agent/libslowclock.so", 1);
    drive(interpreter, CASES, &runs[1], 1);
    unsetenv("LD_PRELOAD");
    const struct bs_image_header *right = &runs[0].header, *header = &runs[1].header;
    CHECK(fabs((double)header->clock_hz / (double)right->clock_hz - 1) < 0.01);
    CHECK(header->uninstrumented_ns > 0.1 * right->uninstrumented_ns);
    drive_release(runs, MAX(runs));
}

TEST(profile, does_not_go_by_a_clock_of_the_program) {
    interpreters_each(check_slow_clock);
}

/* Every other run takes one path, the rest the other: what is on one only counts for half a run. */
static void check_halves(const struct run *run) {
    size_t halves = 0;
    for (size_t i = 0; i < run->trace->step_count && run->trace->counts; i++) {
        CHECK(i >= run->header.diverged_step || run->trace->counts[i] == 1);
        halves += fabs(run->trace->counts[i] - 0.5) < 0.1;
    }
    CHECK(halves > 4);
}

/* Other paths in other repeats: in sequence up to there, per instruction from there on. */
static void diverge(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "other_path_each_time()", .options = "profile=1"},
        {.call = "slower_each_time()", .options = "profile=1"},
        {.call = "slow_now_and_then()", .options = "profile=1\nwarmups=3\nrepeats=40"},
    };
    drive(interpreter, CASES, runs, MAX(runs));
    const struct run *run = &runs[0];
    if (CHECK(run->trace)) {
        CHECK(run->header.flags & BS_IMAGE_DIVERGED);
        CHECK(run->header.diverged_step > 3);
        CHECK(run->header.diverged_step < run->trace->step_count);
        CHECK(run->header.diverged_event < run->trace->event_count);
        const struct bs_event *event = &run->trace->events[run->header.diverged_event];
        CHECK_EQ(event->kind, BS_EVENT_OPCODE);
        CHECK_EQ(image_count(run, BS_SECTION_COUNTS, 8), run->trace->step_count);
        /* What follows is sorted, each instruction once. */
        for (size_t i = run->header.diverged_step + 1; i < run->trace->step_count; i++) {
            const struct bs_step *a = &run->trace->steps[i - 1], *b = a + 1;
            CHECK(a->code < b->code || (a->code == b->code && a->offset_units < b->offset_units));
        }
        check_halves(run);
    }
    CHECK(!(runs[1].header.flags & BS_IMAGE_DIVERGED));
    /* A tenth of the runs takes a millisecond: so do the instructions, and a run is of them. */
    CHECK(runs[2].header.flags & BS_IMAGE_DIVERGED);
    CHECK(runs[2].header.uninstrumented_ns > 5e4);
    drive_release(runs, MAX(runs));
}

TEST(profile, follows_one_path_until_it_parts) {
    interpreters_each(diverge);
}

/* Runs too long for an event each: times per instruction, and how often each ran. */
static void outgrow(const struct interpreter *interpreter) {
    struct run run = {.call = "loop(20000)",
                      .options = "profile=1\nmax_events=1000\nwarmups=2\nrepeats=4"};
    drive(interpreter, CASES, &run, 1);
    if (CHECK(run.trace)) {
        CHECK(run.header.flags & BS_IMAGE_EVENTS_LOST);
        CHECK(run.header.flags & BS_IMAGE_PER_INSTRUCTION);
        CHECK(run.header.events_seen > 60000);
        CHECK(run.trace->step_count > 5 && run.trace->step_count < 30);
        CHECK_EQ(image_count(&run, BS_SECTION_COUNTS, 8), run.trace->step_count);
        double most = 0;
        for (size_t i = 0; i < run.trace->step_count && run.trace->counts; i++) {
            most = run.trace->counts[i] > most ? run.trace->counts[i] : most;
            CHECK(is_plausible(&run.trace->steps[i]));
        }
        CHECK(most >= 20000 && most <= 20001);
    }
    drive_release(&run, 1);
}

TEST(profile, of_long_runs_is_per_instruction) {
    interpreters_each(outgrow);
}

/* The budget ends the repeats early, but not before there are a few of each. */
static void spend(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "sleep(0.005)",
         .options = "profile=1\nwarmups=100000\nrepeats=100000\nbudget=0.4"},
        {.call = "sleep(0.1)", .options = "profile=1\nwarmups=100\nrepeats=100\nbudget=0.01"},
    };
    drive(interpreter, CASES, runs, 2);
    for (size_t i = 0; i < 2; i++) {
        if (!CHECK_EQ(runs[i].header.outcome, BS_OUTCOME_RETURNED))
            printf("  %s: %s\n", runs[i].call, runs[i].message ? runs[i].message : "no message");
    }
    CHECK(runs[0].header.warmups >= 3 && runs[0].header.warmups < 100);
    CHECK(runs[0].header.uninstrumented_repeats >= 3);
    CHECK(runs[0].header.repeats >= 3 && runs[0].header.repeats < 100);
    CHECK(runs[0].header.elapsed_ns < 3e9);
    CHECK_EQ(runs[1].header.warmups, 3);
    CHECK_EQ(runs[1].header.repeats, 3);
    CHECK(runs[0].trace && runs[1].trace);
    drive_release(runs, 2);
}

TEST(profile, keeps_to_its_budget) {
    interpreters_each(spend);
}

/* What a profile shows as specialised is what ran: taken before the trace pass undoes it. */
static void specialise(const struct interpreter *interpreter) {
    struct run run = {.call = "loop(100)", .options = "profile=1\nwarmups=100"};
    drive(interpreter, CASES, &run, 1);
    size_t different = 0;
    if (CHECK(run.trace && run.trace->code_count > 0)) {
        const struct bs_code *code = run.trace->codes[0].code;
        CHECK_EQ(code->adaptive.length,
                 interpreter->python >= 0x030b0000 ? code->bytecode.length : 0);
        for (size_t i = 0; i < code->adaptive.length; i += 2)
            different += code->adaptive.data[i] != code->bytecode.data[i];
        CHECK(different > 1 || interpreter->python < 0x030b0000);
    }
    drive_release(&run, 1);
}

TEST(profile, takes_specialised_forms) {
    interpreters_each(specialise);
}

/* Each run has arguments of its own, those too that are made just before the one that counts. */
static void use_up(const struct interpreter *interpreter) {
    struct run runs[] = {
        {.call = "uses_up([1, 2])", .options = "profile=1"},
        {.call = "uses_up(values=[1, 2])", .options = "profile=1\nin_process=1"},
        {.call = "uses_up(refilled())", .options = "profile=1"},
    };
    drive(interpreter, CASES, runs, MAX(runs));
    for (size_t i = 0; i < MAX(runs); i++)
        CHECK_EQ(runs[i].header.outcome, BS_OUTCOME_RETURNED);
    drive_release(runs, MAX(runs));
}

TEST(profile, makes_arguments_anew) {
    interpreters_each(use_up);
}

/* A gigabyte of garbage does not stay: the clone may use 600 MB. */
static void litter(const struct interpreter *interpreter) {
    struct run run = {.call = "litter()",
                      .options = "profile=1\nwarmups=500\nrepeats=250\nlimit=600000000"};
    drive(interpreter, CASES, &run, 1);
    CHECK_EQ(run.header.outcome, BS_OUTCOME_RETURNED);
    CHECK_EQ(run.header.repeats, 250);
    drive_release(&run, 1);
}

TEST(profile, collects_what_repeats_leave_behind) {
    interpreters_each(litter);
}
