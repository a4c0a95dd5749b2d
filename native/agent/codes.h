/*
 * The code objects that a run met, numbered in the order in which they were met. Each is kept
 * alive until the end, so that an address is a name. Numbers stay valid; order does not change.
 */
#ifndef BS_AGENT_CODES_H
#define BS_AGENT_CODES_H

#include "agent/python.h"

#include <stddef.h>
#include <stdint.h>

/* Code numbers have 24 bits in bs_step; a program with a million code objects has no listing. */
#define BS_CODES_MAX  (1u << 20)
#define BS_CODES_NONE UINT32_MAX

struct code_entry {
    PyObject *code;     /* owned */
    PyObject *globals;  /* owned: of the first frame seen; NULL where not known */
    PyObject *bytecode; /* owned: bytes, co_code */
    PyObject *adaptive; /* owned: bytes as specialised; NULL where not taken */
    /* The data of `bytecode`: two bytes a unit. */
    const unsigned char *units;
    uint32_t unit_count;
    uint32_t first_line;
    uint32_t *lines; /* owned: of each unit, 0: not known yet; see record.c */
};

struct codes {
    struct code_entry *entries;
    uint32_t count, capacity;
    struct code_slot *slots; /* open addressing over code addresses; see codes.c */
    uint32_t mask;
};

bool bs_codes_init(struct codes *codes);
void bs_codes_deinit(struct codes *codes);

/* Number of @p code, or BS_CODES_NONE when it was not met yet. Neither allocates nor runs Python.
 */
uint32_t bs_codes_find(const struct codes *codes, const PyObject *code);

/* Keep the bytes of every code object as specialised now. Those that have none keep none. */
void bs_codes_take_adaptive(struct codes *codes);

/*
 * Number of @p code, which is noted if it is new; @p frame, a frame object that runs it, gives the
 * globals and may be NULL. BS_CODES_NONE: no room. Never leaves an exception set.
 */
uint32_t bs_codes_add(struct codes *codes, PyObject *code, PyObject *frame);

#endif
