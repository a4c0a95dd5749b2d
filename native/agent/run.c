#include "agent/run.h"

#include "agent/aside.h"
#include "agent/child.h"
#include "agent/clock.h"
#include "agent/engine.h"
#include "agent/interrupt.h"
#include "agent/repr.h"
#include "agent/settrace.h"
#include "agent/value_stack.h"
#include "agent/walk.h"

#include <fenv.h>
#include <string.h>
#include <unistd.h>

/*
 * Not on the stack: where CALL switches between greenlets, what else runs on this stack meanwhile
 * is traced too.
 */
static struct run the_run;

void bs_run_phase(struct run *run, enum bs_phase phase, uint64_t total) {
    struct bs_shared *shared = run->shared;
    atomic_store(&shared->done, 0);
    atomic_store(&shared->total, total);
    atomic_store(&shared->phase, phase);
}

bool bs_run_is_stopped(struct run *run) {
    const struct bs_request *request = run->request;
    if (!(request->flags & BS_REQUEST_IN_PROCESS))
        return false;
    if (bs_interrupt_pressed(&run->failure))
        return true;
    if (!request->timeout_ns || bs_clock_system_ns() - run->started_ns < request->timeout_ns)
        return false;
    return !bs_fail(&run->failure, BS_OUTCOME_TIMED_OUT, "%s", "");
}

bool bs_run_finish(struct run *run, struct ready *ready, PyObject *result) {
    /* A child that CALL forked and that came back here: it has no debugger, and no business. */
    if (bs_child_forked || getpid() != run->pid)
        _exit(0);
    if (!result)
        bs_call_unmade(&run->call, ready, &run->failure);
    PyErr_Clear();
    Py_XDECREF(result);
    bs_call_release(ready);
    PyErr_Clear();
    bs_garbage_look(&run->garbage);
    return !run->failure.outcome && !bs_run_is_stopped(run);
}

/* Attribute @p attribute of @p object as a string of the image, or 0. */
static uint32_t note_name(struct run *run, PyObject *object, const char *attribute) {
    _object_ name = bs_attr_if_any(object, attribute);
    _object_ bytes = name && PyUnicode_Check(name) ? bs_utf8(name) : NULL;
    PyErr_Clear();
    return bytes ? bs_output_string(&run->output, PyBytes_AsString(bytes),
                                    (size_t)PyBytes_Size(bytes))
                 : 0;
}

/* Not of types that have a metaclass, which may be asked for the name. */
static uint32_t note_type(struct run *run, PyObject *object) {
    PyObject *type = (PyObject *)Py_TYPE(object);
    return Py_TYPE(type) == &PyType_Type ? note_name(run, type, "__name__") : 0;
}

/* How CALL ended, in its traced run. */
static void note_outcome(struct run *run, PyObject *result) {
    struct bs_image_header *header = run->header;
    if (result) {
        header->outcome_text = note_type(run, result);
        header->outcome = BS_OUTCOME_RETURNED;
        return;
    }
    struct pending pending = bs_pending_save();
    PyErr_NormalizeException(&pending.type, &pending.value, &pending.traceback);
    if (pending.type && pending.value)
        header->outcome_text = bs_raised_text(&run->output, pending.type, pending.value);
    header->outcome = BS_OUTCOME_RAISED;
    bs_pending_restore(&pending);
}

/* The trace pass. */
static bool trace(struct run *run) {
    run->recorder = (struct recorder){
        .output = &run->output,
        .codes = &run->codes,
        .describer = &run->describer,
        .shared = run->shared,
    };
    struct ready ready;
    bs_recorder_init(&run->recorder, run->request);
    if (!bs_call_prepare(&run->call, &ready, &run->failure))
        return false;
    bs_run_phase(run, BS_PHASE_TRACE, 0);
    run->header->function_text = note_name(run, ready.function, "__qualname__");
    bs_recorder_start(&run->recorder);
    PyObject *result = bs_call_run(&ready);
    bool undisturbed = bs_recorder_stop(&run->recorder);
    if (!bs_child_forked && getpid() == run->pid) {
        bs_recorder_end(&run->recorder);
        note_outcome(run, result);
    }
    if (!bs_run_finish(run, &ready, result))
        return false;
    return undisturbed ||
           bs_fail(&run->failure, BS_OUTCOME_REFUSED,
                   "CALL sets a trace function of its own (sys.settrace), and what ran under it "
                   "was not seen");
}

/*
 * Times are computed by arithmetic that may divide by nothing, which is a signal in programs that
 * have asked for it (feenableexcept). CALL is traced as the program has it.
 */
static bool profile(struct run *run) {
    fenv_t environment;
    feholdexcept(&environment);
    const bool good = bs_profile(run);
    fesetenv(&environment);
    return good;
}

static void profile_write(struct run *run) {
    fenv_t environment;
    feholdexcept(&environment);
    bs_profile_write(run);
    fesetenv(&environment);
}

static void run_phases(struct run *run) {
    bs_run_phase(run, BS_PHASE_RESOLVE, 0);
    if (!bs_call_open(&run->call, run->request->call, run->request->call_bytes, run->names,
                      &run->failure))
        return;
    if (run->request->flags & BS_REQUEST_PROFILE && !profile(run))
        return;
    trace(run);
    profile_write(run);
}

/*
 * The phases run below two frames of ours. sys.call_tracing() makes tracing work where the program
 * was stopped inside a trace function; and the innermost Python frame must be one whose code is not
 * the program's, because tracing is switched on from it (settrace.h).
 */
static PyObject *run_inner(PyObject *self, PyObject *none) {
    if (bs_settrace_init()) {
        run_phases(&the_run);
        bs_settrace_deinit();
    }
    return PyErr_Occurred() ? NULL : bs_ref(Py_None);
}

/* Code that calls @p function and looks up no name for it, so that any names can be around it. */
static PyObject *code_of_call(PyObject *function) {
    _object_ code = Py_CompileString("'function'.__call__()", BS_CALL_FILE, Py_eval_input);
    _object_ texts = code ? PyObject_GetAttrString(code, "co_consts") : NULL;
    _object_ one = texts ? PyTuple_Pack(1, function) : NULL;
    _object_ all = one ? PySequence_Repeat(one, PyTuple_Size(texts)) : NULL;
    _object_ replace = all ? PyObject_GetAttrString(code, "replace") : NULL;
    _object_ fields = replace ? Py_BuildValue("{s:O}", "co_consts", all) : NULL;
    _object_ none = fields ? PyTuple_New(0) : NULL;
    return none ? PyObject_Call(replace, none, fields) : NULL;
}

/* With the names of CALL: they are what eval(), exec() and globals() see in the frame above. */
static PyObject *run_outer(PyObject *self, PyObject *none) {
    static PyMethodDef method = {"run", run_inner, METH_NOARGS, NULL};
    const struct names *names = the_run.names;
    _object_ inner = PyCFunction_NewEx(&method, NULL, NULL);
    _object_ code = inner ? code_of_call(inner) : NULL;
    return code ? PyEval_EvalCode(code, names->globals,
                                  names->of_module ? names->globals : names->locals)
                : NULL;
}

static void run_below_our_frames(struct run *run) {
    static PyMethodDef method = {"run", run_outer, METH_NOARGS, NULL};
    _object_ outer = PyCFunction_NewEx(&method, NULL, NULL);
    _object_ call_tracing = bs_module_attr("sys", "call_tracing");
    _object_ none =
        outer && call_tracing ? PyObject_CallFunction(call_tracing, "O()", outer) : NULL;
    if (!none && !run->failure.outcome)
        bs_fail_raised(&run->failure, BS_OUTCOME_REFUSED, "the run cannot be set up");
    PyErr_Clear();
}

static void write_start(struct run *run) {
    const struct bs_request *request = run->request;
    struct bs_image_header *header = run->header;
    header->target_text = bs_output_string(&run->output, request->call, request->call_bytes);
    _object_ sys = bs_module("sys");
    header->python = sys ? (uint32_t)bs_number_attr(sys, "hexversion", 0) : 0;
    header->flags |= request->flags & BS_REQUEST_IN_PROCESS ? 0 : BS_IMAGE_ISOLATED;
    header->flags |= request->flags & BS_REQUEST_ADAPTIVE ? BS_IMAGE_ADAPTIVE : 0;
    header->flags |= bs_python._Py_NegativeRefcount ? BS_IMAGE_DEBUG_BUILD : 0;
}

static void write_end(struct run *run) {
    struct bs_image_header *header = run->header;
    if (run->failure.outcome) {
        bs_interrupt_pressed(&run->failure);
        header->outcome_text =
            bs_output_string(&run->output, run->failure.message, strlen(run->failure.message));
        header->outcome = run->failure.outcome;
    }
    header->elapsed_ns = (double)(bs_clock_system_ns() - run->started_ns);
}

static void give_back(struct run *run) {
    bs_describer_deinit(&run->describer);
    bs_call_close(&run->call);
    bs_codes_deinit(&run->codes);
    bs_output_deinit(&run->output);
    bs_steps_destroy(run->steps);
    bs_walk_destroy(run->walk);
}

void bs_run(const struct bs_request *request, struct bs_shared *shared, const struct names *names) {
    the_run = (struct run){
        .request = request,
        .shared = shared,
        .header = (void *)((char *)shared + shared->image_offset_bytes),
        .names = names,
        .pid = getpid(),
        .started_ns = bs_clock_system_ns(),
    };
    struct aside aside;
    struct interrupt interrupt;
    struct modules modules;
    const bool in_process = request->flags & BS_REQUEST_IN_PROCESS;
    bs_aside_put(&aside);
    if (in_process)
        bs_interrupt_take(&interrupt, shared, request);
    bs_modules_import(&modules);
    if (bs_output_init(&the_run.output, the_run.header) && bs_codes_init(&the_run.codes)) {
        write_start(&the_run);
        bs_describer_init(&the_run.describer, &the_run.output, &the_run.codes, request);
        run_below_our_frames(&the_run);
        write_end(&the_run);
    } else {
        bs_output_outcome(the_run.header, BS_OUTCOME_REFUSED, "there is no memory for the run");
    }
    /* A clone ends now: nothing is given back in it, for that could run code of the program. */
    if (!in_process)
        return;
    give_back(&the_run);
    bs_interrupt_give_back(&interrupt);
    bs_modules_restore(&modules);
    bs_aside_restore(&aside);
}

void bs_run_abandon(void) {
    bs_interrupt_abandon();
    bs_recorder_abandon();
    bs_profile_abandon();
    bs_engines_abandon();
    bs_settrace_abandon();
    bs_value_stack_take_back();
}
