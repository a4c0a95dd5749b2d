/*
 * Python objects in raw memory: what kind of object an address holds, and the contents of the
 * simple ones. Every size that an object claims is checked against a bound of the caller's.
 */
#ifndef BS_INSPECT_OBJECT_H
#define BS_INSPECT_OBJECT_H

#include "core/buffer.h"
#include "inspect/arena.h"
#include "inspect/interpreter.h"

enum bs_kind {
    BS_KIND_OTHER,
    BS_KIND_NONE,
    BS_KIND_ELLIPSIS,
    BS_KIND_BOOL,
    BS_KIND_INT,
    BS_KIND_FLOAT,
    BS_KIND_COMPLEX,
    BS_KIND_STR,
    BS_KIND_BYTES,
    BS_KIND_TUPLE,
    BS_KIND_FROZENSET,
    BS_KIND_SLICE,
    BS_KIND_CODE,
    BS_KIND_FUNCTION,
    BS_KIND_METHOD,
    BS_KIND_CLASSMETHOD,
    BS_KIND_STATICMETHOD,
    BS_KIND_PROPERTY,
    BS_KIND_GENERATOR,
    BS_KIND_COROUTINE,
    BS_KIND_ASYNC_GENERATOR,
    BS_KIND_CELL,
    BS_KIND_MEMBER,      /* the descriptor of a slot */
    BS_KIND_LAZY_IMPORT, /* what stands for an import until it is used */
    BS_KIND_DICT,        /* or of a class derived from dict; a frozendict */
    BS_KIND_TYPE,        /* a class, whatever its metaclass */
    BS_KIND_COUNT,
};

/* References in frames carry a tag in their low bits from 3.14 on; objects are 8-byte aligned. */
#define BS_REFERENCE_TAG_MASK 7ull

/* Py_TPFLAGS_* of Include/object.h: the same in every version that has them. */
#define BS_TYPE_FLAG_INLINE_VALUES (1ull << 2) /* from 3.13 on */
#define BS_TYPE_FLAG_MANAGED_DICT  (1ull << 4) /* from 3.11 on */
#define BS_TYPE_FLAG_HEAP          (1ull << 9)
#define BS_TYPE_FLAG_DICT          (1ull << 29)
#define BS_TYPE_FLAG_TYPE          (1ull << 31)

#define BS_TYPE_NAME_MAX 64 /* bytes of tp_name that are looked at */

/* The type of the object at @p addr. */
struct bs_error *bs_object_type(const struct bs_interpreter *python, uint64_t addr, uint64_t *ret);
/* tp_name of a type, cut at BS_TYPE_NAME_MAX - 1 bytes. */
struct bs_error *bs_type_name(const struct bs_interpreter *python, uint64_t type_addr,
                              char ret[static BS_TYPE_NAME_MAX]);
struct bs_error *bs_object_kind(const struct bs_interpreter *python, uint64_t addr,
                                enum bs_kind *ret);
/* BS_ERROR_CORRUPT, with @p what in the message, unless the object at @p addr is a @p kind. */
struct bs_error *bs_object_expect(const struct bs_interpreter *python, uint64_t addr,
                                  enum bs_kind kind, const char *what);

/*
 * Append the str at @p addr as UTF-8, cut after @p max_count code points; those that UTF-8 cannot
 * hold (lone surrogates) as \udc80.
 */
struct bs_error *bs_str_append(const struct bs_interpreter *python, uint64_t addr, size_t max_count,
                               struct bs_buffer *ret);
/* The same into an arena. */
struct bs_error *bs_str_read(const struct bs_interpreter *python, uint64_t addr, size_t max_count,
                             struct bs_arena *arena, struct bs_text *ret);
/* Whether the object at @p addr is the str @p text; an object that is no str is not. */
struct bs_error *bs_str_equals(const struct bs_interpreter *python, uint64_t addr,
                               struct bs_text text, bool *ret);

/*
 * The code points of a str, in the target's encoding: *ret_width bytes each. *ret_data is
 * malloc'ed; at most @p max_count are read.
 */
struct bs_error *bs_str_points(const struct bs_interpreter *python, uint64_t addr, size_t max_count,
                               uint8_t **ret_data, size_t *ret_count, unsigned int *ret_width);

/* One of them. */
uint32_t bs_point_at(const uint8_t *data, unsigned int width, size_t index);

/* The bytes object at @p addr; BS_ERROR_CORRUPT naming @p what beyond @p max_bytes. */
struct bs_error *bs_bytes_read(const struct bs_interpreter *python, uint64_t addr, size_t max_bytes,
                               const char *what, struct bs_arena *arena, struct bs_text *ret);

/* The number of items of the tuple at @p addr, and one of them. */
struct bs_error *bs_tuple_size(const struct bs_interpreter *python, uint64_t addr, size_t max,
                               const char *what, size_t *ret);
struct bs_error *bs_tuple_item(const struct bs_interpreter *python, uint64_t addr, size_t index,
                               uint64_t *ret);

/* Append @p point as UTF-8; one that has none as \udc80 or \U00110000. */
void bs_buffer_point(struct bs_buffer *buffer, uint32_t point);

#endif
