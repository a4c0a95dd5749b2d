#include "inspect/dict.h"

#include "inspect/field.h"
#include "inspect/object.h"

#include <inttypes.h>

/* struct _dictkeysobject: a header, an index of slots, then entries of (hash,) key, value. */
#define KIND_GENERAL 0 /* entries hold hashes; the only kind on 3.10 */

/* Bytes of the index of @p slots slots, before 3.11: Objects/dictobject.c, DK_IXSIZE. */
static uint64_t index_bytes(uint64_t slots) {
    if (slots <= 0xff)
        return slots;
    return slots <= 0xffff ? slots * 2 : slots * 4;
}

/* The size of the index in slots and in bytes. */
static struct bs_error *read_index(const struct bs_interpreter *python, uint64_t keys_addr,
                                   uint64_t *ret_slots, uint64_t *ret_bytes) {
    uint64_t log2_size, log2_bytes;
    struct bs_error *error;
    if (bs_has_field(python, keys, size)) {
        error = bs_field(python, keys_addr, keys, size, ret_slots);
        if (!error && *ret_slots > BS_DICT_ENTRIES_MAX)
            return bs_error_create(BS_ERROR_CORRUPT, "keys.size is %" PRIu64, *ret_slots);
        *ret_bytes = error ? 0 : index_bytes(*ret_slots);
        return error;
    }
    error = bs_field(python, keys_addr, keys, log2_size, &log2_size);
    if (!error)
        error = bs_field(python, keys_addr, keys, log2_index_bytes, &log2_bytes);
    if (error)
        return error;
    if (log2_size > 24 || log2_bytes > 27)
        return bs_error_create(BS_ERROR_CORRUPT,
                               "keys.log2_size is %" PRIu64 " and keys.log2_index_bytes %" PRIu64,
                               log2_size, log2_bytes);
    *ret_slots = 1ull << log2_size;
    *ret_bytes = 1ull << log2_bytes;
    return NULL;
}

static struct bs_error *open_keys(struct bs_dict_walk *walk, uint64_t keys_addr) {
    const struct bs_interpreter *python = walk->python;
    uint64_t slots, bytes, kind = KIND_GENERAL;
    struct bs_error *error = read_index(python, keys_addr, &slots, &bytes);
    if (!error && bs_has_field(python, keys, kind))
        error = bs_field(python, keys_addr, keys, kind, &kind);
    if (!error)
        error = bs_field(python, keys_addr, keys, entries, &walk->count);
    if (error)
        return error;
    if (walk->count > slots)
        return bs_error_create(BS_ERROR_CORRUPT, "keys.entries is %" PRIu64 " of %" PRIu64,
                               walk->count, slots);
    walk->entries_addr = keys_addr + (uint32_t)python->layout.keys_indices + bytes;
    walk->key_offset = kind == KIND_GENERAL ? 8 : 0;
    walk->entry_bytes = walk->key_offset + 16;
    return NULL;
}

struct bs_error *bs_dict_open_split(const struct bs_interpreter *python, uint64_t keys_addr,
                                    uint64_t values_addr, struct bs_dict_walk *ret) {
    *ret = (struct bs_dict_walk){.python = python};
    if (values_addr)
        ret->values_addr = values_addr + (uint32_t)python->layout.values_items;
    return open_keys(ret, keys_addr);
}

struct bs_error *bs_dict_open(const struct bs_interpreter *python, uint64_t addr,
                              struct bs_dict_walk *ret) {
    uint64_t keys_addr, values_addr;
    struct bs_error *error = bs_object_expect(python, addr, BS_KIND_DICT, "dictionary");
    if (!error)
        error = bs_field(python, addr, dict, keys, &keys_addr);
    if (!error)
        error = bs_field(python, addr, dict, values, &values_addr);
    return error ? error : bs_dict_open_split(python, keys_addr, values_addr, ret);
}

struct bs_error *bs_dict_next(struct bs_dict_walk *walk, uint64_t *ret_key_addr,
                              uint64_t *ret_value_addr) {
    const struct bs_target *target = walk->python->target;
    struct bs_error *error = NULL;
    *ret_key_addr = *ret_value_addr = 0;
    while (!error && walk->index < walk->count) {
        uint64_t item[2]; /* key, value */
        uint64_t index = walk->index++;
        error =
            bs_read_bytes(target, walk->entries_addr + index * walk->entry_bytes + walk->key_offset,
                          "keys.entries", item, sizeof(item));
        if (!error && walk->values_addr)
            error = bs_read_u64(target, walk->values_addr + index * 8, "dict.values", &item[1]);
        if (!error && item[0] && item[1]) {
            *ret_key_addr = item[0];
            *ret_value_addr = item[1];
            return NULL;
        }
    }
    return error;
}

struct bs_error *bs_dict_seek(struct bs_dict_walk *walk, struct bs_text key,
                              uint64_t *ret_value_addr) {
    uint64_t key_addr, value_addr;
    struct bs_error *error = NULL;
    bool found = false;
    *ret_value_addr = 0;
    while (!error && !found) {
        error = bs_dict_next(walk, &key_addr, &value_addr);
        if (error || !key_addr)
            return error;
        error = bs_str_equals(walk->python, key_addr, key, &found);
    }
    if (!error)
        *ret_value_addr = value_addr;
    return error;
}

struct bs_error *bs_dict_find(const struct bs_interpreter *python, uint64_t addr,
                              struct bs_text key, uint64_t *ret_value_addr) {
    struct bs_dict_walk walk;
    *ret_value_addr = 0;
    struct bs_error *error = bs_dict_open(python, addr, &walk);
    return error ? error : bs_dict_seek(&walk, key, ret_value_addr);
}
