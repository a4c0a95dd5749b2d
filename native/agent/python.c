#include "agent/python.h"

#include <dlfcn.h>
#include <string.h>

struct python bs_python;

enum need {
    REQUIRED,
    OPTIONAL,
};

static const struct name_row {
    enum need need;
    const char *name;
    size_t offset;
} rows[] = {
#define BS_ROW(need, result, name, arguments) {need, #name, offsetof(struct python, name)},
#include "agent/python.def"
#undef BS_ROW
};

static const char *lookup_names(void) {
    static char message[128];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        void *found = dlsym(RTLD_DEFAULT, rows[i].name);
        memcpy((char *)&bs_python + rows[i].offset, &found, sizeof(found));
        if (!found && rows[i].need == REQUIRED) {
            static const char text[] = "this Python does not export ";
            memcpy(message, text, sizeof(text));
            strncat(message, rows[i].name, sizeof(message) - sizeof(text));
            return message;
        }
    }
    return NULL;
}

/*
 * Whether Python was initialised in this process at some time. The slots that a static type
 * inherits are filled in when the interpreter starts, and stay.
 */
static bool was_initialised(void) {
    return PyType_GetSlot(&PyLong_Type, Py_tp_alloc) != NULL;
}

/* Programs that load plugins may have two; the loader binds us to the one that is global. */
static bool is_meant(uint64_t runtime_addr) {
    const void *runtime = dlsym(RTLD_DEFAULT, "_PyRuntime");
    return !runtime_addr || !runtime || (uint64_t)(uintptr_t)runtime == runtime_addr;
}

const char *bs_python_open(uint64_t runtime_addr) {
    if (!is_meant(runtime_addr))
        return "this process has several Pythons, and the one that the debugger reads is not the "
               "one whose symbols are global: CALL can be run in neither";
    if (strstr(Py_GetVersion(), "free-threading"))
        return "free-threaded builds of Python are not supported: use one with a GIL";
    if (!Py_IsInitialized())
        return was_initialised() ? "Python has been finalised in this process"
                                 : "Python is not initialised yet: continue until it runs code";
    return lookup_names();
}

PyObject *bs_module(const char *name) {
    return PyImport_ImportModuleLevel(name, NULL, NULL, NULL, 0);
}

PyObject *bs_module_attr(const char *module, const char *name) {
    _object_ imported = bs_module(module);
    return imported ? PyObject_GetAttrString(imported, name) : NULL;
}

PyObject *bs_attr_if_any(PyObject *object, const char *name) {
    PyObject *value = PyObject_GetAttrString(object, name);
    if (!value)
        PyErr_Clear();
    return value;
}

uint64_t bs_number_attr(PyObject *object, const char *name, uint64_t otherwise) {
    _object_ value = PyObject_GetAttrString(object, name);
    uint64_t number = value ? PyLong_AsUnsignedLongLong(value) : otherwise;
    if (!PyErr_Occurred())
        return number;
    PyErr_Clear();
    return otherwise;
}
