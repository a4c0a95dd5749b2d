/*
 * Expands the rows BS_ROWS into the tables opcodes_V, caches_V and texts_V, where V is BS_VERSION.
 * Included by core/opcodes.c once for each version; no include guard, since that is the point.
 */
#define BS_PASTE_(a, b) a##b
#define BS_PASTE(a, b)  BS_PASTE_(a, b)
#define BS_TABLE(name)  BS_PASTE(name, BS_VERSION)

#define BS_OPCODE(number, text, kind, caches)                                                      \
    [number] = {                                                                                   \
        .name = #text, .base = number, .argument = BS_ARGUMENT_##kind, .cache_units = caches},
#define BS_SPECIALIZED(number, text, base_number, base_name)                                       \
    [number] = {.name = #text, .base = base_number, .specialized = true},
#define BS_INSTRUMENTED(number, text, base_number, base_name)                                      \
    [number] = {.name = #text, .base = base_number},
#define BS_UNUSED(number) [number] = {.name = "<" #number ">", .base = number},
#define BS_CACHE(number, field, count)
#define BS_TEXT(list, index, string)
static const struct bs_opcode BS_TABLE(opcodes_)[256] = {
#include BS_ROWS
};
#undef BS_OPCODE
#undef BS_SPECIALIZED
#undef BS_INSTRUMENTED
#undef BS_UNUSED
#undef BS_CACHE
#undef BS_TEXT

#define BS_OPCODE(number, text, kind, caches)
#define BS_SPECIALIZED(number, text, base_number, base_name)
#define BS_INSTRUMENTED(number, text, base_number, base_name)
#define BS_UNUSED(number)
#define BS_CACHE(number, field, count) {.name = field, .opcode = number, .units = count},
#define BS_TEXT(list, index, string)
static const struct bs_cache_field BS_TABLE(caches_)[] = {
#include BS_ROWS
    {.name = NULL},
};
#undef BS_CACHE
#undef BS_TEXT

#define BS_CACHE(number, field, count)
#define BS_TEXT(list, index, string) [BS_TEXTS_##list][index] = (string),
static const char *const BS_TABLE(texts_)[BS_TEXTS_COUNT][BS_TEXTS_MAX] = {
#include BS_ROWS
};
#undef BS_OPCODE
#undef BS_SPECIALIZED
#undef BS_INSTRUMENTED
#undef BS_UNUSED
#undef BS_CACHE
#undef BS_TEXT

#undef BS_PASTE_
#undef BS_PASTE
#undef BS_TABLE
#undef BS_VERSION
#undef BS_ROWS
