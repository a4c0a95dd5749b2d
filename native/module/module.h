/*
 * _bytesight: the commands as a Python extension, importable by any debugger's Python (3.9 and
 * later, limited API). It carries host.h to a Python object and back and decides nothing.
 *
 *     run(host, line)          run one command line; raises Error or KeyboardInterrupt
 *     complete(host, line)     list[str]: words to stand in place of what follows the last blank
 *     help(verb)               str: help of a verb, of bytesight itself for ""
 *     verbs()                  list[(name, one_line)]
 *     options()                list[(name, kind, default, doc)] of what `set` can change; kind is
 *                              "int", "seconds", "bool", "enum:a|b|c" or "string", default a str
 *     get(name), set(name, text)   one setting, as str
 *     frames(host, tid)        list[(level, function, file, line, opcode)] of the Python frames of
 *                              a thread, innermost first; level (of the C frame that runs it, as
 *                              walk() counts) and line may be None
 *     pass_interrupts(pid), interrupt_after(milliseconds), waiting_signals(tid, or_thread)
 *                              what a host needs around call(): see each in module.c
 *     CALL_ALL_THREADS, CALL_MAY_WAIT, CALL_PASS_INTERRUPT, CALL_ALONE_MS
 *                              BS_CALL_* of command/host.h: the flags of call(), and milliseconds
 *     CALL_SIGNALS             tuple of the names of signals that are to end a call()
 *     Error                    its only argument is the sentence
 *
 * The host object has the methods of command/host.h, same names:
 *
 *     read(addr, length) -> bytes              lookup(name) -> int, LookupError when there is none
 *     modules() -> [(path, start, end, build_id|None)]
 *     write_memory(addr, bytes)
 *     state() -> (kind, pid, tid, level)       kind: "nothing", "live", "remote", "core"
 *     threads() -> [tid]                       walk(tid) -> iterable of (pc, cfa)
 *     describe(addr) -> [(function|None, file|None, line, module|None, offset)]
 *     call(tid, function, args, flags) -> int  interrupted() -> bool
 *     write(text)
 *     escapes                                  dict of escape sequences by style name
 *     progress                                 bool: a line of progress may be drawn
 *
 * Style names are those of enum bs_style in lower case: "plain", "title", "function", ... Without
 * `escapes`, or with an empty one, text has no colours. Progress is drawn on standard error, where
 * that is a terminal.
 * An exception from read() is a memory fault, LookupError is "not found", KeyboardInterrupt is an
 * interruption (and comes out of run() again, after everything has been put back); any other is
 * the debugger's refusal, and its str() the sentence.
 */
#ifndef BS_MODULE_MODULE_H
#define BS_MODULE_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "command/session.h"
#include "core/text.h"

/*
 * text.c. Text from Python, held as UTF-8; what cannot be encoded is escaped or replaced by "?".
 * `data` is NULL for None and after a failure, which leaves an exception pending.
 */
struct bs_py_text {
    PyObject *bytes;
    const char *data; /* terminated */
};
bool bs_py_text_init(PyObject *object, struct bs_py_text *ret);
void bs_py_text_deinit(struct bs_py_text *text);
#define _cleanup_py_text_ _cleanup_(bs_py_text_deinit)
/* Text to Python: UTF-8 with errors replaced. */
PyObject *bs_py_text_from(const char *data, size_t length);
/* The same for a screen: what the program says must not drive a terminal (core/text.h). */
PyObject *bs_py_text_clean(struct bs_text text);

/* paint.c. The escape sequences of a host, by style. */
struct bs_paint {
    struct bs_py_text escapes[BS_STYLE_COUNT];
    bool any;
};
void bs_paint_init(PyObject *object, struct bs_paint *ret);
void bs_paint_deinit(struct bs_paint *paint);
/* Append text with escape sequences where its spans want them. */
void bs_paint_text(const struct bs_paint *paint, const char *data, size_t length,
                   const struct bs_span *spans, size_t span_count, struct bs_buffer *buffer);

/* One call of the module, as the callbacks of its host see it; lives on the stack of that call. */
struct bs_module_host {
    PyObject *object; /* borrowed */
    bool interrupted; /* a KeyboardInterrupt came where no error could be returned */
    bool draws_progress, progress_drawn;
    struct bs_paint paint;
    struct bs_host host;
};

/* host.c. @p ret must stay where it is as long as ret->host is used. */
void bs_module_host_init(PyObject *object, struct bs_module_host *ret);
void bs_module_host_deinit(struct bs_module_host *module_host);
#define _cleanup_module_host_ _cleanup_(bs_module_host_deinit)

/* errors.c. The Python exception that is pending, as an error, and no longer pending. */
struct bs_error *bs_error_from_python(void);
/* Raise @p error, which is consumed, as @p exception_type or KeyboardInterrupt; returns NULL. */
PyObject *bs_error_to_python(struct bs_error *error, PyObject *exception_type);

static inline void bs_cleanup_decref(PyObject **object) {
    Py_XDECREF(*object);
}
#define _cleanup_decref_ _cleanup_(bs_cleanup_decref)

/* pass_interrupts(pid) of Python. */
PyObject *bs_module_pass_interrupts(PyObject *module, PyObject *args);
/* waiting_signals(tid, or_thread) of Python. */
PyObject *bs_module_waiting_signals(PyObject *module, PyObject *args);
/* interrupt_after(milliseconds) of Python. */
PyObject *bs_module_interrupt_after(PyObject *module, PyObject *args);

#endif
