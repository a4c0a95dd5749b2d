/*
 * Expands the rows BS_ROWS into the tables opcodes_V, caches_V and texts_V, where V is BS_VERSION.
 * Included by core/opcodes.c once for each version; no include guard, since that is the point.
 */
#define BS_PASTE_(a, b) a##b
#define BS_PASTE(a, b)  BS_PASTE_(a, b)
#define BS_TABLE(name)  BS_PASTE(name, BS_VERSION)

#define BS_OPCODE(number, name, argument, caches)                                                  \
    [number] = {#name, number, false, BS_ARGUMENT_##argument, caches},
#define BS_SPECIALIZED(number, name, base, base_name)  [number] = {#name, base, true},
#define BS_INSTRUMENTED(number, name, base, base_name) [number] = {#name, base},
#define BS_UNUSED(number)                              [number] = {"<" #number ">", number},
#define BS_CACHE(opcode, field, units)
#define BS_TEXT(list, index, text)
static const struct bs_opcode BS_TABLE(opcodes_)[256] = {
#include BS_ROWS
};
#undef BS_OPCODE
#undef BS_SPECIALIZED
#undef BS_INSTRUMENTED
#undef BS_UNUSED
#undef BS_CACHE
#undef BS_TEXT

#define BS_OPCODE(number, name, argument, caches)
#define BS_SPECIALIZED(number, name, base, base_name)
#define BS_INSTRUMENTED(number, name, base, base_name)
#define BS_UNUSED(number)
#define BS_CACHE(opcode, field, units) {field, opcode, units},
#define BS_TEXT(list, index, text)
static const struct bs_cache_field BS_TABLE(caches_)[] = {
#include BS_ROWS
    {NULL, 0, 0},
};
#undef BS_CACHE
#undef BS_TEXT

#define BS_CACHE(opcode, field, units)
#define BS_TEXT(list, index, text) [BS_TEXTS_##list][index] = (text),
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
