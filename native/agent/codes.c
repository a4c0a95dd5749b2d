#include "agent/codes.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST   256u
#define ENTRIES_FIRST 64u

struct code_slot {
    const PyObject *code; /* NULL: free */
    uint32_t number;
};

static uint32_t hash(const PyObject *code) {
    /* Objects are aligned to 16 bytes; the multiplier is 2^64 divided by the golden ratio. */
    return (uint32_t)((((uint64_t)(uintptr_t)code >> 4) * 0x9e3779b97f4a7c15ull) >> 32);
}

bool bs_codes_init(struct codes *codes) {
    *codes = (struct codes){.mask = SLOTS_FIRST - 1};
    codes->slots = calloc(SLOTS_FIRST, sizeof(*codes->slots));
    return codes->slots != NULL;
}

void bs_codes_deinit(struct codes *codes) {
    for (uint32_t i = 0; i < codes->count; i++) {
        struct code_entry *entry = &codes->entries[i];
        Py_XDECREF(entry->adaptive);
        Py_XDECREF(entry->bytecode);
        Py_XDECREF(entry->globals);
        Py_XDECREF(entry->code);
        free(entry->lines);
    }
    free(codes->entries);
    free(codes->slots);
    *codes = (struct codes){};
}

static struct code_slot *slot_of(const struct codes *codes, const PyObject *code) {
    uint32_t at = hash(code) & codes->mask;
    while (codes->slots[at].code && codes->slots[at].code != code)
        at = (at + 1) & codes->mask;
    return &codes->slots[at];
}

uint32_t bs_codes_find(const struct codes *codes, const PyObject *code) {
    const struct code_slot *slot = slot_of(codes, code);
    return slot->code ? slot->number : BS_CODES_NONE;
}

/* Slots are at most half full, so that a search ends soon. */
static bool grow_slots(struct codes *codes) {
    struct codes grown = {.mask = codes->mask * 2 + 1};
    grown.slots = calloc((size_t)grown.mask + 1, sizeof(*grown.slots));
    if (!grown.slots)
        return false;
    for (uint32_t i = 0; i < codes->count; i++)
        *slot_of(&grown, codes->entries[i].code) =
            (struct code_slot){.code = codes->entries[i].code, .number = i};
    free(codes->slots);
    codes->slots = grown.slots;
    codes->mask = grown.mask;
    return true;
}

static bool grow_entries(struct codes *codes) {
    uint32_t capacity = codes->capacity ? codes->capacity * 2 : ENTRIES_FIRST;
    struct code_entry *grown = realloc(codes->entries, capacity * sizeof(*grown));
    if (!grown)
        return false;
    codes->entries = grown;
    codes->capacity = capacity;
    return true;
}

/* Attribute @p name if it is a bytes object, a new reference, else NULL; no exception. */
static PyObject *bytes_attr(PyObject *object, const char *name) {
    _object_ value = bs_attr_if_any(object, name);
    return value && PyBytes_Check(value) ? bs_give(&value) : NULL;
}

static bool fill(struct code_entry *entry, PyObject *code, PyObject *frame) {
    PyObject *bytecode = bytes_attr(code, "co_code");
    if (!bytecode)
        return false;
    uint32_t unit_count = (uint32_t)(PyBytes_Size(bytecode) / 2);
    uint32_t *lines = calloc(unit_count + 1, sizeof(*lines));
    if (!lines) {
        Py_DECREF(bytecode);
        return false;
    }
    PyObject *globals = frame ? bs_attr_if_any(frame, "f_globals") : NULL;
    *entry = (struct code_entry){
        .code = bs_ref(code),
        .globals = globals,
        .bytecode = bytecode,
        .units = (const unsigned char *)PyBytes_AsString(bytecode),
        .unit_count = unit_count,
        .first_line = (uint32_t)bs_number_attr(code, "co_firstlineno", 0),
        .lines = lines,
    };
    return true;
}

uint32_t bs_codes_add(struct codes *codes, PyObject *code, PyObject *frame) {
    struct code_slot *slot = slot_of(codes, code);
    if (slot->code)
        return slot->number;
    if (codes->count == BS_CODES_MAX)
        return BS_CODES_NONE;
    if (codes->count == codes->capacity && !grow_entries(codes))
        return BS_CODES_NONE;
    if (codes->count >= codes->mask / 2) {
        if (!grow_slots(codes))
            return BS_CODES_NONE;
        slot = slot_of(codes, code);
    }
    struct pending pending = bs_pending_save();
    bool filled = fill(&codes->entries[codes->count], code, frame);
    bs_pending_restore(&pending);
    if (!filled)
        return BS_CODES_NONE;
    *slot = (struct code_slot){.code = code, .number = codes->count};
    return codes->count++;
}

void bs_codes_take_adaptive(struct codes *codes) {
    for (uint32_t i = 0; i < codes->count; i++) {
        struct code_entry *entry = &codes->entries[i];
        /* 3.11 and later: Objects/codeobject.c, code_getsetlist. */
        bs_set(&entry->adaptive, bytes_attr(entry->code, "_co_code_adaptive"));
        if (entry->adaptive && PyBytes_Size(entry->adaptive) != PyBytes_Size(entry->bytecode))
            bs_set(&entry->adaptive, NULL);
    }
}
