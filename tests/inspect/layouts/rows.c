/*
 * Prints the rows of a native/inspect/layouts/3_NN.def as the headers of one Python have them.
 *
 *     cc -I$INCLUDE -I$INCLUDE/internal tests/inspect/layouts/rows.c -o rows && ./rows
 *
 * where INCLUDE is .../include/python3.NN. The test inspect_layout compares what this prints with
 * the checked-in files, for every Python whose headers are there.
 */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <frameobject.h>
#include <structmember.h>

#include "pycore_interp.h"
#include "pycore_runtime.h"
#if PY_VERSION_HEX >= 0x030b0000
#include "pycore_dict.h"
#include "pycore_frame.h"
#endif
#if PY_VERSION_HEX >= 0x030d0000
#include "pycore_optimizer.h"
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include "pycore_interpframe_structs.h"
#endif
#include "pycore_moduleobject.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct row {
    const char *name;
    int offset;
};

#define AT(name, type, member) {name, (int)offsetof(type, member)},

/* clang-format off */
/* These have no header of their own: Objects/descrobject.c, Objects/funcobject.c, and on 3.10
   Objects/dict-common.h. They are the same in every version here. */
struct property {
    PyObject_HEAD
    PyObject *prop_get;
};
struct callable {
    PyObject_HEAD
    PyObject *cm_callable;
};
struct lazy_import { /* Objects/lazyimportobject.c */
    PyObject_HEAD
    PyObject *lz_builtins, *lz_from, *lz_attr;
};
struct keys_310 {
    Py_ssize_t dk_refcnt, dk_size;
    void *dk_lookup;
    Py_ssize_t dk_usable, dk_nentries;
    char dk_indices[];
};

/* The agent makes these anew, as struct lock of native/agent/gil.c has them. */
_Static_assert(offsetof(struct _gil_runtime_state, cond) == 32, "see agent/gil.c");
_Static_assert(offsetof(struct _gil_runtime_state, mutex) == 32 + sizeof(pthread_cond_t),
               "see agent/gil.c");
_Static_assert(offsetof(struct _gil_runtime_state, switch_cond) ==
                   32 + sizeof(pthread_cond_t) + sizeof(pthread_mutex_t),
               "see agent/gil.c");
_Static_assert(offsetof(struct _gil_runtime_state, switch_mutex) ==
                   32 + 2 * sizeof(pthread_cond_t) + sizeof(pthread_mutex_t),
               "see agent/gil.c");

static const struct row rows[] = {
    AT("runtime_initialized", _PyRuntimeState, initialized)
    AT("runtime_finalizing", _PyRuntimeState, _finalizing)
    AT("runtime_interpreters_head", _PyRuntimeState, interpreters.head)
    AT("runtime_interpreters_main", _PyRuntimeState, interpreters.main)
    AT("gil_locked", struct _gil_runtime_state, locked)
    AT("gil_holder", struct _gil_runtime_state, last_holder)
    AT("interpreter_id", PyInterpreterState, id)
    AT("interpreter_next", PyInterpreterState, next)
    AT("interpreter_builtins", PyInterpreterState, builtins)
    AT("thread_next", PyThreadState, next)
    AT("thread_interpreter", PyThreadState, interp)
    AT("thread_ident", PyThreadState, thread_id)
    AT("code_flags", PyCodeObject, co_flags)
    AT("code_first_line", PyCodeObject, co_firstlineno)
    AT("code_consts", PyCodeObject, co_consts)
    AT("code_names", PyCodeObject, co_names)
    AT("code_filename", PyCodeObject, co_filename)
    AT("code_name", PyCodeObject, co_name)
    AT("code_linetable", PyCodeObject, co_linetable)
    AT("object_type", PyObject, ob_type)
    AT("object_size", PyVarObject, ob_size)
    AT("type_name", PyTypeObject, tp_name)
    AT("type_flags", PyTypeObject, tp_flags)
    AT("type_dict", PyTypeObject, tp_dict)
    AT("type_members", PyTypeObject, tp_members)
    AT("type_mro", PyTypeObject, tp_mro)
    AT("type_basic_size", PyTypeObject, tp_basicsize)
    AT("type_item_size", PyTypeObject, tp_itemsize)
    AT("type_dict_offset", PyTypeObject, tp_dictoffset)
    AT("type_descr_set", PyTypeObject, tp_descr_set)
    AT("heaptype_cached_keys", PyHeapTypeObject, ht_cached_keys)
    AT("member_descriptor_member", PyMemberDescrObject, d_member)
    AT("member_name", PyMemberDef, name)
    AT("member_kind", PyMemberDef, type)
    AT("member_offset", PyMemberDef, offset)
    AT("float_value", PyFloatObject, ob_fval)
    AT("complex_value", PyComplexObject, cval)
    AT("bytes_data", PyBytesObject, ob_sval)
    AT("tuple_items", PyTupleObject, ob_item)
    AT("unicode_length", PyASCIIObject, length)
    AT("unicode_state", PyASCIIObject, state)
    {"unicode_ascii_data", sizeof(PyASCIIObject)},
    {"unicode_compact_data", sizeof(PyCompactUnicodeObject)},
    AT("unicode_data", PyUnicodeObject, data)
    AT("set_used", PySetObject, used)
    AT("set_mask", PySetObject, mask)
    AT("set_table", PySetObject, table)
    AT("slice_start", PySliceObject, start)
    AT("dict_keys", PyDictObject, ma_keys)
    AT("dict_values", PyDictObject, ma_values)
    AT("module_dict", PyModuleObject, md_dict)
    AT("function_code", PyFunctionObject, func_code)
    AT("cell_content", PyCellObject, ob_ref)
    AT("method_function", PyMethodObject, im_func)
    AT("classmethod_callable", struct callable, cm_callable)
    AT("property_getter", struct property, prop_get)

#if PY_VERSION_HEX < 0x030c0000
    AT("runtime_gil", _PyRuntimeState, ceval.gil)
    AT("runtime_current", _PyRuntimeState, gilstate.tstate_current)
    AT("interpreter_modules", PyInterpreterState, modules)
    AT("long_digits", PyLongObject, ob_digit)
#else
    AT("interpreter_modules", PyInterpreterState, imports.modules)
    AT("interpreter_gil", PyInterpreterState, ceval.gil)
    AT("long_tag", PyLongObject, long_value.lv_tag)
    AT("long_digits", PyLongObject, long_value.ob_digit)
    AT("code_monitoring", PyCodeObject, _co_monitoring)
    AT("monitoring_lines", _PyCoMonitoringData, lines)
    AT("monitoring_opcodes", _PyCoMonitoringData, per_instruction_opcodes)
#endif

#if PY_VERSION_HEX < 0x030b0000
    AT("interpreter_threads_head", PyInterpreterState, tstate_head)
    AT("thread_frame", PyThreadState, frame)
    AT("thread_call", PyThreadState, cframe)
    AT("frame_previous", PyFrameObject, f_back)
    AT("frame_code", PyFrameObject, f_code)
    AT("frame_globals", PyFrameObject, f_globals)
    AT("frame_builtins", PyFrameObject, f_builtins)
    AT("frame_locals", PyFrameObject, f_locals)
    AT("frame_lasti", PyFrameObject, f_lasti)
    AT("frame_generator", PyFrameObject, f_gen)
    AT("frame_slots", PyFrameObject, f_localsplus)
    AT("code_bytecode", PyCodeObject, co_code)
    AT("code_varnames", PyCodeObject, co_varnames)
    AT("code_cellvars", PyCodeObject, co_cellvars)
    AT("code_freevars", PyCodeObject, co_freevars)
    AT("keys_size", struct keys_310, dk_size)
    AT("keys_entries", struct keys_310, dk_nentries)
    AT("keys_indices", struct keys_310, dk_indices)
    {"values_items", 0},
    AT("generator_frame", PyGenObject, gi_frame)
#else
    AT("interpreter_threads_head", PyInterpreterState, threads.head)
    AT("thread_tid", PyThreadState, native_thread_id)
    AT("thread_datastack_chunk", PyThreadState, datastack_chunk)
    AT("thread_datastack_top", PyThreadState, datastack_top)
    AT("thread_datastack_limit", PyThreadState, datastack_limit)
    AT("frame_previous", _PyInterpreterFrame, previous)
    AT("frame_globals", _PyInterpreterFrame, f_globals)
    AT("frame_builtins", _PyInterpreterFrame, f_builtins)
    AT("frame_locals", _PyInterpreterFrame, f_locals)
    AT("frame_owner", _PyInterpreterFrame, owner)
    AT("frame_slots", _PyInterpreterFrame, localsplus)
    AT("code_adaptive", PyCodeObject, co_code_adaptive)
    AT("code_localsplusnames", PyCodeObject, co_localsplusnames)
    AT("code_localspluskinds", PyCodeObject, co_localspluskinds)
    AT("code_qualname", PyCodeObject, co_qualname)
    AT("code_exceptiontable", PyCodeObject, co_exceptiontable)
    AT("code_firsttraceable", PyCodeObject, _co_firsttraceable)
    AT("keys_log2_size", struct _dictkeysobject, dk_log2_size)
    AT("keys_log2_index_bytes", struct _dictkeysobject, dk_log2_index_bytes)
    AT("keys_kind", struct _dictkeysobject, dk_kind)
    AT("keys_entries", struct _dictkeysobject, dk_nentries)
    AT("keys_indices", struct _dictkeysobject, dk_indices)
    AT("values_items", struct _dictvalues, values)
    AT("generator_frame", PyGenObject, gi_iframe)
    /* Pointers back from the object: _PyObject_ManagedDictPointer() and, on 3.12,
       _PyObject_DictOrValuesPointer() of internal/pycore_object.h. */
    {"instance_dict", -3 * (int)sizeof(void *)},
#endif

#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000
    {"instance_values", -4 * (int)sizeof(void *)}, /* _PyObject_ValuesPointer() */
#endif
#if PY_VERSION_HEX >= 0x030d0000
    AT("values_valid", struct _dictvalues, valid)
#endif

#if PY_VERSION_HEX < 0x030c0000
    AT("generator_code", PyGenObject, gi_code)
#endif

#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030d0000
    AT("thread_cframe", PyThreadState, cframe)
    AT("thread_root_cframe", PyThreadState, root_cframe)
    AT("cframe_frame", _PyCFrame, current_frame)
    AT("cframe_previous", _PyCFrame, previous)
    AT("frame_code", _PyInterpreterFrame, f_code)
    AT("frame_prev_instr", _PyInterpreterFrame, prev_instr)
#endif
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000
    AT("frame_is_entry", _PyInterpreterFrame, is_entry)
#endif

#if PY_VERSION_HEX >= 0x030d0000
    AT("thread_frame", PyThreadState, current_frame)
    AT("frame_code", _PyInterpreterFrame, f_executable)
    AT("frame_instr_ptr", _PyInterpreterFrame, instr_ptr)
    AT("code_executors", PyCodeObject, co_executors)
    AT("executors_size", _PyExecutorArray, size)
    AT("executors_items", _PyExecutorArray, executors)
    AT("executor_opcode", _PyExecutorObject, vm_data.opcode)
    AT("executor_oparg", _PyExecutorObject, vm_data.oparg)
#endif

#if PY_VERSION_HEX >= 0x030e0000
    AT("frame_stack_pointer", _PyInterpreterFrame, stackpointer)
    AT("function_annotate", PyFunctionObject, func_annotate)
#endif
#if PY_VERSION_HEX >= 0x030f0000
    AT("lazy_import_source", struct lazy_import, lz_from)
    AT("lazy_import_attribute", struct lazy_import, lz_attr)
#endif

    /* Two bytes a unit up to 3.13.2, then a structure that says how many. */
#if PY_VERSION_HEX >= 0x030d0300
    AT("lines_stride", _PyCoLineInstrumentationData, bytes_per_entry)
    AT("lines_data", _PyCoLineInstrumentationData, data)
#elif PY_VERSION_HEX >= 0x030c0000
    AT("lines_data", _PyCoLineInstrumentationData, original_opcode)
#endif
};
/* clang-format on */

int main(void) {
#define BS_ROW(structure, field, width, what) #structure "_" #field,
    static const char *const fields[] = {
#include "../../../native/inspect/layouts/fields.def"
    };
    for (size_t f = 0; f < sizeof(fields) / sizeof(*fields); f++) {
        size_t r = 0;
        while (r < sizeof(rows) / sizeof(*rows) && strcmp(rows[r].name, fields[f]))
            r++;
        if (r < sizeof(rows) / sizeof(*rows))
            printf("BS_ROW(%s, %d)\n", fields[f], rows[r].offset);
        else
            printf("BS_ROW(%s, BS_FIELD_ABSENT)\n", fields[f]);
    }
    return 0;
}
