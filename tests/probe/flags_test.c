/*
 * Why stubs need not save the flags: no handler of any interpreter reads a flag that it has not
 * written. Each is followed from its first instruction, as objdump shows it, to the first that
 * writes the flags, calls, returns or jumps through a register or memory.
 */
#ifdef __x86_64__

#include "agent/probe/table.h"
#include "check.h"
#include "core/cleanup.h"
#include "inspect/process.h"
#include "probed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE_BYTES   160 /* of a handler that are looked at */
#define FOLLOWED_MAX 4   /* direct jumps in a row */

enum effect {
    NEUTRAL,
    WRITES, /* the flags, or leaves to where they are dead by the psABI */
    READS,
    JUMPS, /* always, to a known place */
};

static bool begins_with_one_of(const char *text, const char *const *beginnings) {
    for (; *beginnings; beginnings++) {
        if (!strncmp(text, *beginnings, strlen(*beginnings)))
            return true;
    }
    return false;
}

static enum effect effect_of(const char *mnemonic, const char *operands) {
    static const char *const readers[] = {"j",     "set", "cmov", "adc",   "sbb", "lahf",
                                          "pushf", "rc",  "cmc",  "loope", NULL};
    static const char *const writers[] = {
        "add",  "sub",  "cmp",  "test", "and", "or",   "xor",   "neg",    "inc", "dec",
        "sh",   "sa",   "imul", "mul",  "bt",  "bs",   "ucom",  "comis",  "tzc", "lzc",
        "popc", "call", "ret",  "xadd", "ud2", "cmpx", "vucom", "vcomis", "ro",  NULL};
    /* Of the same beginning as a writer, but on vectors: these leave the flags alone. */
    static const char *const vectors[] = {"xorp", "andp", "addp",  "addsd", "subp", "subsd",
                                          "orp",  "shuf", "mulsd", "mulp",  NULL};
    if (!strcmp(mnemonic, "jmp"))
        return strchr(operands, '*') ? WRITES : JUMPS;
    if (begins_with_one_of(mnemonic, vectors))
        return NEUTRAL;
    return begins_with_one_of(mnemonic, readers)   ? READS
           : begins_with_one_of(mnemonic, writers) ? WRITES
                                                   : NEUTRAL;
}

/* What objdump makes of @p length bytes that lie at @p addr; NULL: it cannot be run. */
static FILE *disassemble(const uint8_t *code, size_t length, uint64_t addr) {
    char path[] = "/tmp/bytesight-flags-XXXXXX", command[256];
    int fd = mkstemp(path);
    if (fd < 0)
        return NULL;
    bool written = write(fd, code, length) == (ssize_t)length;
    close(fd);
    /* Opened by objdump before the name is gone: the first line comes after that. */
    snprintf(command, sizeof(command),
             "objdump -D -b binary -m i386:x86-64 --no-show-raw-insn --adjust-vma=0x%" PRIx64
             " %s; rm %s",
             addr, path, path);
    return written ? popen(command, "r") : NULL;
}

/* The first effect on the flags of the code at @p addr; a jump's target into @p ret_addr. */
static enum effect first_effect(const struct probed *probed, uint64_t addr, uint64_t *ret_addr,
                                char ret_line[static 256]) {
    const struct bs_target *target = &probed->process->target;
    uint8_t code[CODE_BYTES];
    char line[256], mnemonic[32], operands[128];
    enum effect effect = NEUTRAL;
    if (!CHECK_OK(target->read(target->arg, addr, code, sizeof(code))))
        return NEUTRAL;
    FILE *listing = disassemble(code, sizeof(code), addr);
    while (listing && fgets(line, sizeof(line), listing)) {
        operands[0] = '\0';
        if (effect != NEUTRAL || sscanf(line, " %*x: %31s %127[^\n]", mnemonic, operands) < 1)
            continue;
        /* Prefixes stand for themselves: "notrack jmp *...", "bnd ret". */
        while (!strcmp(mnemonic, "notrack") || !strcmp(mnemonic, "bnd") ||
               !strcmp(mnemonic, "lock") || !strncmp(mnemonic, "rep", 3)) {
            char rest[128];
            strcpy(rest, operands);
            operands[0] = '\0';
            if (sscanf(rest, "%31s %127[^\n]", mnemonic, operands) < 1)
                break;
        }
        effect = effect_of(mnemonic, operands);
        *ret_addr = strtoull(operands, NULL, 16);
        strcpy(ret_line, line);
    }
    if (listing)
        pclose(listing);
    return effect;
}

static void check_handler(const struct probed *probed, uint64_t addr) {
    char line[256] = "";
    uint64_t at = addr;
    for (int i = 0; i < FOLLOWED_MAX; i++) {
        uint64_t next = 0;
        enum effect effect = first_effect(probed, at, &next, line);
        if (effect != JUMPS) {
            if (!CHECK(effect == WRITES))
                printf("  handler at 0x%" PRIx64 ": %s", addr, line);
            return;
        }
        at = next;
    }
}

static int compare_words(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void follow_handlers(const struct interpreter *interpreter) {
    const char *args[] = {NULL};
    struct probed probed;
    uint64_t handlers[BS_TABLE_ENTRIES];
    if (!probed_start(&probed, interpreter, "probe/programs/idle.py", args))
        return;
    const struct bs_target *target = &probed.process->target;
    for (size_t c = 0; c < probed.candidate_count; c++) {
        if (!CHECK_OK(target->read(target->arg, probed.candidates[c].table_addr, handlers,
                                   sizeof(handlers))))
            break;
        qsort(handlers, BS_TABLE_ENTRIES, sizeof(*handlers), compare_words);
        for (size_t i = 0; i < BS_TABLE_ENTRIES; i++) {
            if (!i || handlers[i] != handlers[i - 1])
                check_handler(&probed, handlers[i]);
        }
    }
    process_send(probed.process, "");
    probed_end(&probed);
}

TEST(probe_flags, are_dead_where_handlers_begin) {
    interpreters_each(follow_handlers);
}

#endif
