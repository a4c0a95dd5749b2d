#include "inspect/repr.h"

#include "inspect/field.h"
#include "inspect/object.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct repr {
    const struct bs_interpreter *python;
    struct bs_buffer *buffer;
    size_t start; /* of this repr in the buffer */
    unsigned int depth;
};

static struct bs_error *append(struct repr *repr, uint64_t addr);

static bool is_full(const struct repr *repr) {
    return repr->buffer->length - repr->start > BS_REPR_BYTES_MAX;
}

/* What cannot be read must not lose the rest. */
static struct bs_error *append_item(struct repr *repr, uint64_t addr) {
    const size_t start = repr->buffer->length;
    struct bs_error *error = append(repr, addr);
    if (!error || !bs_error_is_about_data(error))
        return error;
    bs_error_destroy(error);
    repr->buffer->length = start;
    bs_buffer_format(repr->buffer, "<unreadable at 0x%" PRIx64 ">", addr);
    return NULL;
}

static struct bs_error *append_none(struct repr *repr, uint64_t addr) {
    bs_buffer_text(repr->buffer, "None");
    return NULL;
}

static struct bs_error *append_ellipsis(struct repr *repr, uint64_t addr) {
    bs_buffer_text(repr->buffer, "Ellipsis");
    return NULL;
}

static struct bs_error *append_bool(struct repr *repr, uint64_t addr) {
    const struct bs_layout *layout = &repr->python->layout;
    uint32_t digit;
    /* True and False are the ints 1 and 0. */
    struct bs_error *error = bs_read_u32(repr->python->target, addr + (uint32_t)layout->long_digits,
                                         "long.digits", &digit);
    if (!error)
        bs_buffer_text(repr->buffer, digit ? "True" : "False");
    return error;
}

static struct bs_error *append_int(struct repr *repr, uint64_t addr) {
    const struct bs_interpreter *python = repr->python;
    uint64_t count, tag = 0;
    bool negative;
    struct bs_error *error;
    if (bs_has_field(python, long, tag)) {
        /* lv_tag: digits << 3 | static << 2 | sign (0 positive, 1 zero, 2 negative) */
        error = bs_field(python, addr, long, tag, &tag);
        count = tag >> 3;
        negative = (tag & 3) == 2;
        if ((tag & 3) == 1)
            count = 0;
    } else {
        error = bs_field(python, addr, object, size, &tag);
        negative = (int64_t)tag < 0;
        count = negative ? -tag : tag;
    }
    if (error)
        return error;
    if (count > BS_REPR_DIGITS_MAX)
        return bs_repr_digits(repr->buffer, NULL, count, negative);
    _cleanup_free_ uint32_t *digits = calloc(count + 1, sizeof(*digits));
    if (!digits)
        return &bs_enomem;
    error = bs_read_bytes(python->target, addr + (uint32_t)python->layout.long_digits,
                          "long.digits", digits, count * sizeof(*digits));
    return error ? error : bs_repr_digits(repr->buffer, digits, count, negative);
}

static struct bs_error *append_float(struct repr *repr, uint64_t addr) {
    double value;
    struct bs_error *error =
        bs_read_bytes(repr->python->target, addr + (uint32_t)repr->python->layout.float_value,
                      "float.value", &value, sizeof(value));
    if (!error)
        bs_repr_double(repr->buffer, value, false);
    return error;
}

static struct bs_error *append_complex(struct repr *repr, uint64_t addr) {
    double value[2];
    struct bs_error *error =
        bs_read_bytes(repr->python->target, addr + (uint32_t)repr->python->layout.complex_value,
                      "complex.value", value, sizeof(value));
    if (error)
        return error;
    bool imaginary_only = value[0] == 0 && !signbit(value[0]);
    if (!imaginary_only) {
        bs_buffer_char(repr->buffer, '(');
        bs_repr_double(repr->buffer, value[0], true);
        if (isnan(value[1]) || !signbit(value[1]))
            bs_buffer_char(repr->buffer, '+');
    }
    bs_repr_double(repr->buffer, value[1], true);
    bs_buffer_text(repr->buffer, imaginary_only ? "j" : "j)");
    return NULL;
}

/* How much of a str or bytes to show: what lies in a tuple is bounded only with all of it. */
static size_t items_max(const struct repr *repr) {
    return repr->depth == 1 ? BS_REPR_ITEMS_MAX : BS_REPR_BYTES_MAX;
}

static struct bs_error *append_str(struct repr *repr, uint64_t addr) {
    _cleanup_free_ uint8_t *data = NULL;
    size_t count;
    unsigned int width;
    struct bs_error *error =
        bs_str_points(repr->python, addr, items_max(repr), &data, &count, &width);
    if (!error)
        bs_repr_points(repr->buffer, repr->python->python, data, count, width);
    return error;
}

static struct bs_error *append_bytes(struct repr *repr, uint64_t addr) {
    const struct bs_interpreter *python = repr->python;
    uint64_t size;
    struct bs_error *error = bs_field(python, addr, object, size, &size);
    if (error)
        return error;
    size_t length = size < items_max(repr) ? size : items_max(repr);
    _cleanup_free_ uint8_t *data = malloc(length + 1);
    if (!data)
        return &bs_enomem;
    error = bs_read_bytes(python->target, addr + (uint32_t)python->layout.bytes_data, "bytes.data",
                          data, length);
    if (!error)
        bs_repr_bytes(repr->buffer, data, length);
    return error;
}

static struct bs_error *append_tuple(struct repr *repr, uint64_t addr) {
    uint64_t count, item_addr;
    struct bs_error *error = bs_field(repr->python, addr, object, size, &count);
    bs_buffer_char(repr->buffer, '(');
    for (uint64_t i = 0; !error && i < count && !is_full(repr); i++) {
        if (i)
            bs_buffer_text(repr->buffer, ", ");
        error = bs_tuple_item(repr->python, addr, i, &item_addr);
        if (!error)
            error = append_item(repr, item_addr);
    }
    bs_buffer_text(repr->buffer, !error && count == 1 ? ",)" : ")");
    return error;
}

#define SET_MASK_MAX (1u << 24)

struct set_slot {
    uint64_t key_addr;
    int64_t hash; /* -1: deleted */
};

static struct bs_error *append_frozenset(struct repr *repr, uint64_t addr) {
    const struct bs_interpreter *python = repr->python;
    uint64_t used, mask, table_addr;
    struct bs_error *error = bs_field(python, addr, set, used, &used);
    if (!error)
        error = bs_field(python, addr, set, mask, &mask);
    if (!error)
        error = bs_field(python, addr, set, table, &table_addr);
    if (!error && mask > SET_MASK_MAX)
        error = bs_error_create(BS_ERROR_CORRUPT, "set.mask is 0x%" PRIx64, mask);
    if (error)
        return error;
    bs_buffer_text(repr->buffer, !used ? "frozenset()" : "frozenset({");
    if (!used)
        return NULL;
    uint64_t seen = 0;
    for (uint64_t i = 0; !error && i <= mask && seen < used && !is_full(repr); i++) {
        struct set_slot slot;
        error = bs_read_bytes(python->target, table_addr + i * sizeof(slot), "set.table", &slot,
                              sizeof(slot));
        if (error || !slot.key_addr || slot.hash == -1)
            continue;
        if (seen++)
            bs_buffer_text(repr->buffer, ", ");
        error = append_item(repr, slot.key_addr);
    }
    bs_buffer_text(repr->buffer, "})");
    return error;
}

static struct bs_error *append_slice(struct repr *repr, uint64_t addr) {
    uint64_t parts[3];
    struct bs_error *error =
        bs_read_bytes(repr->python->target, addr + (uint32_t)repr->python->layout.slice_start,
                      "slice.start", parts, sizeof(parts));
    bs_buffer_text(repr->buffer, "slice(");
    for (size_t i = 0; !error && i < 3; i++) {
        if (i)
            bs_buffer_text(repr->buffer, ", ");
        error = append_item(repr, parts[i]);
    }
    bs_buffer_char(repr->buffer, ')');
    return error;
}

static struct bs_error *append_code(struct repr *repr, uint64_t addr) {
    const struct bs_interpreter *python = repr->python;
    uint64_t name_addr, filename_addr, first_line;
    struct bs_error *error = bs_field(python, addr, code, name, &name_addr);
    if (!error)
        error = bs_field(python, addr, code, filename, &filename_addr);
    if (!error)
        error = bs_field(python, addr, code, first_line, &first_line);
    bs_buffer_text(repr->buffer, "<code object ");
    if (!error)
        error = bs_str_append(python, name_addr, BS_REPR_BYTES_MAX, repr->buffer);
    bs_buffer_format(repr->buffer, " at 0x%" PRIx64 ", file \"", addr);
    if (!error)
        error = bs_str_append(python, filename_addr, BS_REPR_BYTES_MAX, repr->buffer);
    if (!error)
        bs_buffer_format(repr->buffer, "\", line %" PRId32 ">",
                         first_line ? (int32_t)first_line : -1);
    return error;
}

static struct bs_error *append_other(struct repr *repr, uint64_t addr) {
    char name[BS_TYPE_NAME_MAX];
    uint64_t type_addr;
    struct bs_error *error = bs_object_type(repr->python, addr, &type_addr);
    if (!error)
        error = bs_type_name(repr->python, type_addr, name);
    if (!error)
        bs_buffer_format(repr->buffer, "<%s object at 0x%" PRIx64 ">", name, addr);
    return error;
}

static struct bs_error *(*const appenders[BS_KIND_COUNT])(struct repr *repr, uint64_t addr) = {
    [BS_KIND_NONE] = append_none,   [BS_KIND_ELLIPSIS] = append_ellipsis,
    [BS_KIND_BOOL] = append_bool,   [BS_KIND_INT] = append_int,
    [BS_KIND_FLOAT] = append_float, [BS_KIND_COMPLEX] = append_complex,
    [BS_KIND_STR] = append_str,     [BS_KIND_BYTES] = append_bytes,
    [BS_KIND_TUPLE] = append_tuple, [BS_KIND_FROZENSET] = append_frozenset,
    [BS_KIND_SLICE] = append_slice, [BS_KIND_CODE] = append_code,
};

static struct bs_error *append(struct repr *repr, uint64_t addr) {
    enum bs_kind kind;
    struct bs_error *error = bs_object_kind(repr->python, addr, &kind);
    if (error)
        return error;
    if (repr->depth == BS_REPR_DEPTH_MAX)
        return bs_error_create(BS_ERROR_CORRUPT, "constants lie in each other too deeply");
    repr->depth++;
    error = appenders[kind] ? appenders[kind](repr, addr) : append_other(repr, addr);
    repr->depth--;
    return error;
}

/* Cut at BS_REPR_BYTES_MAX, never inside a character. */
static void cut(struct repr *repr) {
    struct bs_buffer *buffer = repr->buffer;
    if (buffer->error || !is_full(repr))
        return;
    size_t length = repr->start + BS_REPR_BYTES_MAX;
    while (length > repr->start && ((unsigned char)buffer->data[length] & 0xc0) == 0x80)
        length--;
    buffer->length = length;
    bs_buffer_text(buffer, "...");
}

struct bs_error *bs_repr_append(const struct bs_interpreter *python, uint64_t addr,
                                struct bs_buffer *buffer) {
    struct repr repr = {.python = python, .buffer = buffer, .start = buffer->length};
    struct bs_error *error = append_item(&repr, addr);
    cut(&repr);
    return error;
}
