/* Walking a dictionary of the target: combined and split tables of every version. */
#ifndef BS_INSPECT_DICT_H
#define BS_INSPECT_DICT_H

#include "core/code.h"
#include "inspect/interpreter.h"

#define BS_DICT_ENTRIES_MAX (1u << 24)

struct bs_dict_walk {
    const struct bs_interpreter *python;
    uint64_t entries_addr, values_addr; /* values_addr 0: values stand in the entries */
    uint64_t count, index;
    size_t entry_bytes, key_offset;
};

/* Start to walk the dict at @p addr. */
struct bs_error *bs_dict_open(const struct bs_interpreter *python, uint64_t addr,
                              struct bs_dict_walk *ret);

/* The same for a table whose keys and values stand apart from each other, without a dict. */
struct bs_error *bs_dict_open_split(const struct bs_interpreter *python, uint64_t keys_addr,
                                    uint64_t values_addr, struct bs_dict_walk *ret);

/* The next item, in order of insertion; *ret_key_addr 0 at the end. */
struct bs_error *bs_dict_next(struct bs_dict_walk *walk, uint64_t *ret_key_addr,
                              uint64_t *ret_value_addr);

/* The value of the str @p key among the items that are to come; *ret_value_addr 0 where there is
   none. */
struct bs_error *bs_dict_seek(struct bs_dict_walk *walk, struct bs_text key,
                              uint64_t *ret_value_addr);
/* The same of the dict at @p addr. */
struct bs_error *bs_dict_find(const struct bs_interpreter *python, uint64_t addr,
                              struct bs_text key, uint64_t *ret_value_addr);

#endif
