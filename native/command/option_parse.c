/* From a command line to a struct bs_options, by getopt_long over a list made from the table. */
#include "command/options.h"
#include "command/words.h"

#include <getopt.h>
#include <string.h>

/* Rows and their negative spellings, and the end. */
#define LONG_OPTIONS_MAX (2 * BS_OPTION_ROWS_MAX + 1)

/* The number that getopt_long gives back for a row, away from characters. */
#define CODE_BASE     0x1000
#define CODE_NEGATIVE 0x2000

/* Misspelt is what so many letters set right. */
#define NEAR_MAX       2
#define NAME_MAX_BYTES 32

static size_t fill_long_options(uint32_t bit, struct option *ret) {
    size_t rows, count = 0;
    const struct bs_option *table = bs_option_table(&rows);
    for (size_t i = 0; i < rows; i++) {
        if (!(table[i].verbs & bit))
            continue;
        ret[count++] = (struct option){
            .name = table[i].name,
            .has_arg = table[i].kind == BS_OPTION_BOOL ? no_argument : required_argument,
            .val = CODE_BASE + (int)i,
        };
        if (table[i].negative)
            ret[count++] = (struct option){
                .name = table[i].negative,
                .has_arg = no_argument,
                .val = CODE_NEGATIVE + (int)i,
            };
    }
    ret[count] = (struct option){};
    return count;
}

/* Add --NAME of each option that @p word (without dashes) begins; the number of them. */
static size_t list_matches(const struct option *options, const char *word, size_t length,
                           struct bs_buffer *buffer) {
    size_t matches = 0;
    for (; options->name; options++) {
        if (!strncmp(options->name, word, length))
            bs_buffer_format(buffer, "%s--%s", matches++ ? ", " : "", options->name);
    }
    return matches;
}

/* The verb that does have an option @p word, for the message; NULL: none. */
static const char *other_owner(const char *word, size_t length) {
    static const struct {
        uint32_t bit;
        const char *verb;
    } owners[] = {
        {BS_VERB_TRACE | BS_VERB_PROFILE, "trace and profile"},
        {BS_VERB_PROFILE, "profile"},
        {BS_VERB_SHOW, "show"},
        {BS_VERB_STACK, "stack"},
    };
    struct option options[LONG_OPTIONS_MAX];
    for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        fill_long_options(owners[i].bit, options);
        for (const struct option *o = options; o->name; o++) {
            size_t rows;
            const struct bs_option *table = bs_option_table(&rows);
            uint32_t verbs = table[o->val & (CODE_BASE - 1)].verbs;
            if ((verbs & owners[i].bit) == owners[i].bit && !strncmp(o->name, word, length) &&
                !o->name[length])
                return owners[i].verb;
        }
    }
    return NULL;
}

/* How many letters must be put in, left out or changed to make @p b of @p a (Levenshtein). */
static size_t distance(const char *a, size_t a_length, const char *b) {
    size_t row[NAME_MAX_BYTES + 1], b_length = strlen(b);
    if (b_length > NAME_MAX_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 0; i < a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_length; j++) {
            size_t changed = diagonal + (a[i] != b[j]);
            size_t shorter = row[j] < row[j + 1] ? row[j] : row[j + 1];
            diagonal = row[j + 1];
            row[j + 1] = changed < shorter + 1 ? changed : shorter + 1;
        }
    }
    return row[b_length];
}

/* The option that may have been meant, NULL: none is near. */
static const char *nearest(const struct option *options, const char *word, size_t length) {
    size_t best = NEAR_MAX + 1;
    const char *found = NULL;
    for (; options->name && length > NEAR_MAX; options++) {
        size_t letters = distance(word, length, options->name);
        if (letters < best) {
            best = letters;
            found = options->name;
        }
    }
    return found;
}

/* getopt_long said '?' about @p word, which begins with dashes. */
static struct bs_error *refuse_option(const char *verb, const struct option *options,
                                      const char *word) {
    _cleanup_buffer_ struct bs_buffer names = BS_BUFFER_INIT;
    if (word[1] != '-') {
        list_matches(options, "", 0, &names);
        return bs_error_create(BS_ERROR_USAGE,
                               "%s has no option %s; it takes %.*s; put -- before what "
                               "begins with a dash and is none",
                               verb, word, (int)names.length, names.data);
    }
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    size_t matches = list_matches(options, name, length, &names);
    for (const struct option *o = options; o->name && matches; o++) {
        if (!strncmp(o->name, name, length) && (matches == 1 || !o->name[length]))
            return bs_error_create(BS_ERROR_USAGE, "--%s takes no value; write --%s alone", o->name,
                                   o->name);
    }
    if (matches)
        return bs_error_create(BS_ERROR_USAGE, "--%.*s is ambiguous: %.*s", (int)length, name,
                               (int)names.length, names.data);
    const char *owner = other_owner(name, length);
    if (owner)
        return bs_error_create(
            BS_ERROR_USAGE,
            "--%.*s is an option of %s, not of %s; `bytesight help %s` lists what it takes",
            (int)length, name, owner, verb, verb);
    const char *meant = nearest(options, name, length);
    if (meant)
        return bs_error_create(BS_ERROR_USAGE, "%s has no option --%.*s; did you mean --%s?", verb,
                               (int)length, name, meant);
    list_matches(options, "", 0, &names);
    return bs_error_create(BS_ERROR_USAGE, "%s has no option --%.*s; it takes %.*s", verb,
                           (int)length, name, (int)names.length, names.data);
}

static struct bs_error *refuse_missing(const struct bs_option *option) {
    _cleanup_buffer_ struct bs_buffer example = BS_BUFFER_INIT;
    struct bs_options defaults;
    struct bs_error *error = bs_options_init(&defaults);
    if (error)
        return error;
    if (option->fallback)
        bs_option_get(&defaults, option, &example);
    else
        bs_buffer_text(&example, option->value);
    return bs_error_create(BS_ERROR_USAGE, "--%s needs a value: --%s %.*s", option->name,
                           option->name, (int)example.length, example.data);
}

/* Take one option that getopt_long recognised by its @p code. */
static struct bs_error *take_option(struct bs_options *options, int code) {
    size_t rows;
    const struct bs_option *option = &bs_option_table(&rows)[code & (CODE_BASE - 1)];
    const char *text = optarg;
    if (code & CODE_NEGATIVE)
        text = option->kind == BS_OPTION_CHOICE ? "none" : "off";
    else if (option->kind == BS_OPTION_BOOL)
        text = "on";
    struct bs_error *error = bs_option_set(options, option, text);
    return error ? bs_error_reword(error, "--%s", error->message) : NULL;
}

static struct bs_error *parse_words(const char *verb, const struct option *long_options,
                                    struct bs_words *words, struct bs_options *options,
                                    uint64_t *ret_given) {
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    for (;;) {
        int before = optind ? optind : 1;
        int code = getopt_long((int)words->count, words->items, "+:", long_options, NULL);
        struct bs_error *error = NULL;
        if (code == -1)
            return NULL;
        if ((size_t)optind > words->unclosed)
            error = bs_error_create(BS_ERROR_USAGE, "the quote in %s is not closed",
                                    words->items[words->unclosed]);
        else if (code == '?')
            error = refuse_option(verb, long_options, words->items[before]);
        else if (code == ':')
            error = refuse_missing(&bs_option_table(&(size_t){0})[optopt & (CODE_BASE - 1)]);
        else
            error = take_option(options, code);
        *ret_given |= error ? 0 : 1ull << (code & (CODE_BASE - 1));
        if (error)
            return error;
    }
}

/* Whether every bracket that @p text opens in its first @p length bytes is closed there. */
static bool is_closed(const char *text, size_t length) {
    long depth = 0;
    char quote = 0;
    for (size_t i = 0; i < length; i++) {
        if (quote ? text[i] == quote : text[i] == '\'' || text[i] == '"')
            quote = quote ? 0 : text[i];
        else if (!quote)
            depth += !!strchr("([{", text[i]) - !!strchr(")]}", text[i]);
    }
    return depth <= 0;
}

/* The option that @p word is, in full; NULL: it is none. */
static const struct option *find_option(const struct option *options, const char *word) {
    if (strncmp(word, "--", 2) != 0)
        return NULL;
    size_t length = strcspn(word + 2, "=");
    for (; options->name; options++) {
        if (!strncmp(options->name, word + 2, length) && !options->name[length])
            return options;
    }
    return NULL;
}

struct bs_error *bs_options_parse(const char *verb, uint32_t bit, const char *line,
                                  struct bs_options *options, const char **ret_operand) {
    struct option long_options[LONG_OPTIONS_MAX];
    _cleanup_words_ struct bs_words words = {};
    uint64_t given = 0;
    struct bs_error *error = bs_words_init(verb, line, &words);
    if (error)
        return error;
    fill_long_options(bit, long_options);
    error = parse_words(verb, long_options, &words, options, &given);
    if (!error)
        error = bs_options_check(bit, options, given);
    if (error)
        return error;
    *ret_operand = line + words.starts[optind];
    return NULL;
}

struct bs_error *bs_options_late(const char *verb, uint32_t bit, const char *line,
                                 const char *operand) {
    struct option long_options[LONG_OPTIONS_MAX];
    _cleanup_words_ struct bs_words words = {};
    struct bs_error *error = bs_words_init(verb, line, &words);
    if (error)
        return error;
    fill_long_options(bit, long_options);
    bool raw = false;
    for (size_t i = 1; i < words.count; i++) {
        const char *word = words.items[i], *at = line + words.starts[i];
        raw |= at < operand && !strcmp(word, "--");
        if (raw || at <= operand || !is_closed(operand, (size_t)(at - operand)))
            continue;
        const struct option *option = find_option(long_options, word);
        if (option)
            return bs_error_create(BS_ERROR_USAGE,
                                   "--%s comes too late: options come first, as in `bytesight %s "
                                   "%s %.*s`",
                                   option->name, verb, at, (int)(at - operand - 1), operand);
    }
    return NULL;
}
