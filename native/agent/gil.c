#include "agent/gil.h"

#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 100000 /* of a list that may be broken */

/*
 * Where a thread state says that it is the active one (Include/cpython/pystate.h, _status.active):
 * rows by minor version. Before 3.12 the runtime names the active one.
 */
static const struct active_row {
    int minor_from, minor_to;
    size_t offset;
    uint32_t bit;
} rows[] = {
    {12, 12, 24, 1u << 4},
    {13, 15, 32, 1u << 4},
};

static int minor_version(void) {
    const char *dot = strchr(Py_GetVersion(), '.');
    return dot ? atoi(dot + 1) : 0;
}

static bool is_active(const PyThreadState *state, const struct active_row *row) {
    uint32_t status;
    memcpy(&status, (const char *)state + row->offset, sizeof(status));
    return status & row->bit;
}

/* Whether a thread state of the main interpreter other than ours is active. */
static bool another_is_active(const struct active_row *row) {
    const PyThreadState *ours = PyGILState_GetThisThreadState();
    PyInterpreterState *interpreter = bs_python.PyInterpreterState_Main();
    PyThreadState *state =
        interpreter ? bs_python.PyInterpreterState_ThreadHead(interpreter) : NULL;
    for (int i = 0; state && i < THREADS_MAX; i++) {
        if (state != ours && is_active(state, row))
            return true;
        state = bs_python.PyThreadState_Next(state);
    }
    return false;
}

enum gil bs_gil_state(bool locked) {
    const enum gil inactive = locked ? GIL_BETWEEN : GIL_OURS;
    const int minor = minor_version();
    if (bs_python.PyGILState_Check())
        return GIL_OURS;
    if (minor < rows[0].minor_from && bs_python._PyThreadState_UncheckedGet)
        return bs_python._PyThreadState_UncheckedGet() ? GIL_THEIRS : inactive;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (minor >= rows[i].minor_from && minor <= rows[i].minor_to)
            return another_is_active(&rows[i]) ? GIL_THEIRS : inactive;
    }
    return GIL_UNKNOWN;
}
