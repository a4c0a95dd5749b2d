#include "inspect/attribute.h"

#include "core/text.h"
#include "inspect/dict.h"
#include "inspect/field.h"
#include "inspect/object.h"

#define MRO_MAX 512 /* base classes */

/* Of PyMemberDef (Include/descrobject.h; 3.11 and before, structmember.h): what holds a reference.
 */
#define MEMBER_OBJECT    6
#define MEMBER_OBJECT_EX 16

#define MEMBER_BYTES    40
#define MEMBER_NAME_MAX 32
#define MEMBERS_MAX     64 /* of one class */

/* 3.12 tells a pointer to values from one to a dict by taking 1 off it. */
#define VALUES_TAG 1ull

/* An attribute of a class: in its own dictionary or in that of a base. */
static struct bs_error *find_in_class(const struct bs_interpreter *python, uint64_t type_addr,
                                      struct bs_text name, uint64_t *ret_addr) {
    uint64_t mro_addr;
    size_t count = 0;
    *ret_addr = 0;
    struct bs_error *error = bs_field(python, type_addr, type, mro, &mro_addr);
    if (!error)
        error = bs_tuple_size(python, mro_addr, MRO_MAX, "type.mro", &count);
    for (size_t i = 0; !error && !*ret_addr && i < count; i++) {
        uint64_t base_addr, dict_addr;
        error = bs_tuple_item(python, mro_addr, i, &base_addr);
        if (!error)
            error = bs_field(python, base_addr, type, dict, &dict_addr);
        /* The interpreter's own classes keep it elsewhere (3.12): see find_declared(). */
        if (!error && dict_addr)
            error = bs_dict_find(python, dict_addr, name, ret_addr);
    }
    return error;
}

static struct bs_error *find_in_values(const struct bs_interpreter *python, uint64_t type_addr,
                                       uint64_t values_addr, struct bs_text name,
                                       uint64_t *ret_addr) {
    struct bs_dict_walk walk;
    uint64_t keys_addr;
    struct bs_error *error = bs_field(python, type_addr, heaptype, cached_keys, &keys_addr);
    if (!error)
        error = bs_dict_open_split(python, keys_addr, values_addr, &walk);
    return error ? error : bs_dict_seek(&walk, name, ret_addr);
}

/* Values that stand behind the object: *ret_addr 0 unless they are in use. */
static struct bs_error *inline_values(const struct bs_interpreter *python, uint64_t addr,
                                      uint64_t type_addr, uint64_t *ret_addr) {
    uint64_t flags, size, valid = 0;
    struct bs_error *error = bs_field(python, type_addr, type, flags, &flags);
    if (error || !(flags & BS_TYPE_FLAG_INLINE_VALUES))
        return error;
    error = bs_field(python, type_addr, type, basic_size, &size);
    if (!error)
        error = bs_field(python, addr + size, values, valid, &valid);
    if (!error && valid)
        *ret_addr = addr + size;
    return error;
}

/* Where an object keeps its attributes whose class leaves that to the interpreter: in a dict, or
   as values to the keys of its class; both 0 where it has none yet. */
static struct bs_error *managed_place(const struct bs_interpreter *python, uint64_t addr,
                                      uint64_t type_addr, uint64_t *ret_dict_addr,
                                      uint64_t *ret_values_addr) {
    struct bs_error *error = bs_field(python, addr, instance, dict, ret_dict_addr);
    *ret_values_addr = 0;
    if (!error && bs_has_field(python, instance, values))
        return bs_field(python, addr, instance, values, ret_values_addr);
    if (!error && *ret_dict_addr & VALUES_TAG) {
        *ret_values_addr = *ret_dict_addr + VALUES_TAG;
        *ret_dict_addr = 0;
    }
    if (!error && !*ret_dict_addr && bs_has_field(python, values, valid))
        error = inline_values(python, addr, type_addr, ret_values_addr);
    return error;
}

static struct bs_error *find_managed(const struct bs_interpreter *python, uint64_t addr,
                                     uint64_t type_addr, struct bs_text name, uint64_t *ret_addr) {
    uint64_t dict_addr, values_addr;
    struct bs_error *error = managed_place(python, addr, type_addr, &dict_addr, &values_addr);
    if (error)
        return error;
    if (values_addr)
        return find_in_values(python, type_addr, values_addr, name, ret_addr);
    return dict_addr ? bs_dict_find(python, dict_addr, name, ret_addr) : NULL;
}

/* A negative tp_dictoffset counts from the end of an object with items: _PyObject_VAR_SIZE(). */
static struct bs_error *count_from_end(const struct bs_interpreter *python, uint64_t addr,
                                       uint64_t type_addr, uint64_t *offset) {
    uint64_t basic, item, count;
    struct bs_error *error = bs_field(python, type_addr, type, basic_size, &basic);
    if (!error)
        error = bs_field(python, type_addr, type, item_size, &item);
    if (!error)
        error = bs_field(python, addr, object, size, &count);
    if (error)
        return error;
    uint64_t digits = (int64_t)count < 0 ? -count : count; /* the sign is that of an int */
    *offset += (basic + digits * item + 7) & ~7ull;
    return NULL;
}

static struct bs_error *find_in_dict(const struct bs_interpreter *python, uint64_t addr,
                                     uint64_t type_addr, struct bs_text name, uint64_t *ret_addr) {
    uint64_t offset, dict_addr = 0;
    struct bs_error *error = bs_field(python, type_addr, type, dict_offset, &offset);
    if (!error && (int64_t)offset < 0)
        error = count_from_end(python, addr, type_addr, &offset);
    if (!error && offset)
        error =
            bs_read_u64(python->target, addr + offset, "the dictionary of an object", &dict_addr);
    return error || !dict_addr ? error : bs_dict_find(python, dict_addr, name, ret_addr);
}

/* An attribute of the object itself; of a class: of it and its bases. */
static struct bs_error *find_own(const struct bs_interpreter *python, uint64_t addr,
                                 uint64_t type_addr, struct bs_text name, uint64_t *ret_addr) {
    enum bs_kind kind;
    uint64_t flags;
    *ret_addr = 0;
    struct bs_error *error = bs_object_kind(python, addr, &kind);
    if (!error && kind == BS_KIND_TYPE)
        return find_in_class(python, addr, name, ret_addr);
    if (!error)
        error = bs_field(python, type_addr, type, flags, &flags);
    if (error)
        return error;
    if (bs_has_field(python, instance, dict) && flags & BS_TYPE_FLAG_MANAGED_DICT)
        return find_managed(python, addr, type_addr, name, ret_addr);
    return find_in_dict(python, addr, type_addr, name, ret_addr);
}

static struct bs_error *is_data_descriptor(const struct bs_interpreter *python, uint64_t addr,
                                           bool *ret) {
    uint64_t type_addr, set_addr = 0;
    struct bs_error *error = bs_object_type(python, addr, &type_addr);
    if (!error)
        error = bs_field(python, type_addr, type, descr_set, &set_addr);
    *ret = set_addr != 0;
    return error;
}

/* What stands in @p object_addr where the member is; *ret_addr stays where that is no object. */
static struct bs_error *read_member(const struct bs_interpreter *python, uint64_t object_addr,
                                    uint64_t member_addr, uint64_t *ret_addr) {
    uint64_t kind, offset;
    struct bs_error *error = bs_field(python, member_addr, member, kind, &kind);
    if (!error)
        error = bs_field(python, member_addr, member, offset, &offset);
    if (error || (kind != MEMBER_OBJECT && kind != MEMBER_OBJECT_EX))
        return error;
    return bs_read_u64(python->target, object_addr + offset, "a slot of an object", ret_addr);
}

/* What stands in the slot of @p object_addr that the descriptor at *addr is for, if it is. */
static struct bs_error *read_slot(const struct bs_interpreter *python, uint64_t object_addr,
                                  uint64_t *addr) {
    enum bs_kind kind;
    uint64_t member_addr;
    struct bs_error *error = bs_object_kind(python, *addr, &kind);
    if (error || kind != BS_KIND_MEMBER)
        return error;
    error = bs_field(python, *addr, member_descriptor, member, &member_addr);
    return error ? error : read_member(python, object_addr, member_addr, addr);
}

/* Members as the class of an object declares them in C: fset of a property, __func__ of a method.
 */
static struct bs_error *find_declared(const struct bs_interpreter *python, uint64_t addr,
                                      uint64_t type_addr, struct bs_text name, uint64_t *ret_addr) {
    uint64_t member_addr, name_addr = 0;
    char declared[MEMBER_NAME_MAX];
    struct bs_error *error = bs_field(python, type_addr, type, members, &member_addr);
    for (int i = 0; !error && member_addr && i < MEMBERS_MAX; i++, member_addr += MEMBER_BYTES) {
        error = bs_field(python, member_addr, member, name, &name_addr);
        if (error || !name_addr)
            break;
        error = bs_read_string(python->target, name_addr, "a member", declared, sizeof(declared));
        if (!error && bs_text_equal(bs_text_of(declared), name))
            return read_member(python, addr, member_addr, ret_addr);
    }
    return error;
}

struct bs_error *bs_attribute_find(const struct bs_interpreter *python, uint64_t addr,
                                   struct bs_text name, uint64_t *ret_addr) {
    uint64_t type_addr, class_addr = 0;
    bool first = false;
    *ret_addr = 0;
    struct bs_error *error = bs_object_type(python, addr, &type_addr);
    if (!error)
        error = find_in_class(python, type_addr, name, &class_addr);
    if (!error && class_addr)
        error = is_data_descriptor(python, class_addr, &first);
    if (!error && !first)
        error = find_own(python, addr, type_addr, name, ret_addr);
    if (!error && !*ret_addr && !class_addr)
        return find_declared(python, addr, type_addr, name, ret_addr);
    if (error || *ret_addr)
        return error;
    *ret_addr = class_addr;
    return read_slot(python, addr, ret_addr);
}
