#include "command/complete.h"

#include "command/place.h"
#include "command/words.h"
#include "core/text.h"
#include "inspect/names.h"

#include <stdio.h>
#include <string.h>

/* What is being completed. */
struct completion {
    const struct bs_host *host;
    const struct bs_verb *verb;
    const char *word; /* what follows the last blank of the line */
    bs_candidate_fn fn;
    void *arg;
};

/* Offer @p prefix_length bytes of the word followed by @p rest. */
static void offer(const struct completion *completion, size_t prefix_length, const char *rest,
                  size_t rest_length) {
    char *candidate;
    if (asprintf(&candidate, "%.*s%.*s", (int)prefix_length, completion->word, (int)rest_length,
                 rest) < 0)
        return;
    completion->fn(completion->arg, candidate);
    free(candidate);
}

/* Offer @p name when the word begins it. */
static void offer_if(const struct completion *completion, const char *name) {
    if (!strncmp(name, completion->word, strlen(completion->word)))
        offer(completion, 0, name, strlen(name));
}

static void offer_verbs(const struct completion *completion) {
    size_t rows;
    const struct bs_verb *verbs = bs_verb_table(&rows);
    for (size_t i = 0; i < rows; i++)
        offer_if(completion, verbs[i].name);
}

static void offer_option(const struct completion *completion, const char *name) {
    char dashed[64];
    snprintf(dashed, sizeof(dashed), "--%s", name);
    offer_if(completion, dashed);
}

static void offer_options(const struct completion *completion) {
    size_t rows;
    const struct bs_option *options = bs_option_table(&rows);
    for (size_t i = 0; i < rows; i++) {
        if (!(options[i].verbs & completion->verb->bit))
            continue;
        offer_option(completion, options[i].name);
        if (options[i].negative)
            offer_option(completion, options[i].negative);
    }
}

/* The option that @p word (dashes, name, perhaps "=value") means for the verb; NULL: none. */
static const struct bs_option *find_option(const struct bs_verb *verb, const char *word) {
    if (strncmp(word, "--", 2) != 0)
        return NULL;
    size_t rows, length = strcspn(word + 2, "=");
    const struct bs_option *options = bs_option_table(&rows), *found = NULL;
    for (size_t i = 0; i < rows; i++) {
        bool matches = !strncmp(options[i].name, word + 2, length);
        if (!matches || !(options[i].verbs & verb->bit))
            continue;
        if (!options[i].name[length])
            return &options[i];
        if (found)
            return NULL;
        found = &options[i];
    }
    return found;
}

/* Offer the values of @p option in place of the word past @p prefix_length bytes. */
static void offer_values(const struct completion *completion, const struct bs_option *option,
                         size_t prefix_length, bool spell_bool) {
    const char *values = option->choices;
    if (option->kind == BS_OPTION_BOOL && spell_bool)
        values = "on|off";
    const char *typed = completion->word + prefix_length;
    while (values) {
        size_t length = strcspn(values, "|");
        if (length >= strlen(typed) && !strncmp(values, typed, strlen(typed)))
            offer(completion, prefix_length, values, length);
        values = values[length] ? values + length + 1 : NULL;
    }
}

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* A key of a namespace can be any text, and then no CALL can have it. */
static bool is_name(struct bs_text text) {
    for (size_t i = 0; i < text.length; i++) {
        if (!is_name_byte(text.data[i]))
            return false;
    }
    return true;
}

static int compare_texts(const void *a, const void *b) {
    return bs_text_compare(*(const struct bs_text *)a, *(const struct bs_text *)b);
}

/* The names of @p module if it has any text, else those visible in the selected Python frame; of
   the main interpreter where frames cannot be read. */
static struct bs_error *read_names(const struct bs_host *host, struct bs_text module,
                                   struct bs_arena *arena, struct bs_texts *ret) {
    _cleanup_inferior_ struct bs_inferior inferior = {};
    _cleanup_evaluator_ struct bs_evaluator evaluator = {};
    _cleanup_python_place_ struct bs_python_place place = {};
    struct bs_error *error = bs_inferior_open(host, &inferior);
    if (!error)
        error = bs_interpreter_check_running(&inferior.python);
    if (error)
        return error;
    error = bs_evaluator_find(&inferior.python, &evaluator);
    if (!error)
        error = bs_python_place_find(&inferior, &evaluator, &place);
    if (module.length)
        error = bs_error_forgive(error);
    if (error)
        return error;
    if (module.length)
        return bs_inspect_module_names(&inferior.python, place.frame, module, arena, ret);
    return bs_inspect_names(&inferior.python, place.frame, arena, ret);
}

/* What stands before a colon that ends the first @p length bytes of the word, if it is a module. */
static struct bs_text module_before(const struct completion *completion, size_t length) {
    const char *word = completion->word;
    if (!length || word[length - 1] != ':')
        return (struct bs_text){};
    for (size_t i = 0; i < length - 1; i++) {
        if (!is_name_byte(word[i]) && word[i] != '.')
            return (struct bs_text){};
    }
    return (struct bs_text){.data = word, .length = length - 1};
}

static void offer_names(const struct completion *completion) {
    _cleanup_arena_ struct bs_arena arena = BS_ARENA_INIT;
    struct bs_texts names = {};
    size_t start = strlen(completion->word);
    while (start && is_name_byte(completion->word[start - 1]))
        start--;
    if (start && completion->word[start - 1] == '.') /* attributes cannot be told from outside */
        return;
    struct bs_error *error =
        read_names(completion->host, module_before(completion, start), &arena, &names);
    _cleanup_free_ struct bs_text *sorted = error ? NULL : calloc(names.count + 1, sizeof(*sorted));
    bs_error_destroy(error);
    if (!sorted)
        return;
    memcpy(sorted, names.items, names.count * sizeof(*sorted));
    qsort(sorted, names.count, sizeof(*sorted), compare_texts);
    const char *typed = completion->word + start;
    size_t typed_length = strlen(typed);
    for (size_t i = 0; i < names.count; i++) {
        bool matches =
            sorted[i].length >= typed_length && !memcmp(sorted[i].data, typed, typed_length);
        if (!matches || !is_name(sorted[i]))
            continue;
        if (sorted[i].data[0] == '_' && *typed != '_') /* private: when asked for */
            continue;
        offer(completion, start, sorted[i].data, sorted[i].length);
    }
}

static void offer_settings(const struct completion *completion, const struct bs_words *before) {
    size_t rows;
    const struct bs_option *options = bs_option_table(&rows), *option;
    if (before->count == 2) {
        struct bs_error *error =
            bs_option_find(before->items[1], strlen(before->items[1]), &option);
        if (!error)
            offer_values(completion, option, 0, true);
        bs_error_destroy(error);
        return;
    }
    for (size_t i = 0; i < rows && before->count == 1; i++) {
        if (options[i].settable)
            offer_if(completion, options[i].name);
    }
}

static void offer_operand(const struct completion *completion, const struct bs_words *before) {
    const struct bs_verb *verb = completion->verb;
    if (verb->run == bs_command_set)
        offer_settings(completion, before);
    else if (verb->run == bs_command_help && before->count == 1)
        offer_verbs(completion);
    else if (verb->operand && (strstr(verb->operand, "CALL") || strstr(verb->operand, "FUNC")))
        offer_names(completion);
}

/* Whether the words before the last one are options and their values only; if so, the option whose
   value the last one is, in *ret_option. */
static bool within_options(const struct bs_verb *verb, const struct bs_words *before,
                           const struct bs_option **ret_option) {
    *ret_option = NULL;
    for (size_t i = 1; i < before->count; i++) {
        const char *word = before->items[i];
        if (*ret_option) { /* its value */
            *ret_option = NULL;
            continue;
        }
        bool is_option = !strncmp(word, "--", 2) && word[2];
        if (!is_option)
            return false;
        const struct bs_option *option = find_option(verb, word);
        if (option && option->kind != BS_OPTION_BOOL && !strchr(word, '='))
            *ret_option = option;
    }
    return true;
}

/* A word that begins with a dash: the name of an option, or name and value. */
static void offer_dashed(const struct completion *completion) {
    const char *equals = strchr(completion->word, '=');
    if (!equals) {
        offer_options(completion);
        return;
    }
    const struct bs_option *option = find_option(completion->verb, completion->word);
    if (option)
        offer_values(completion, option, (size_t)(equals + 1 - completion->word), false);
}

static void complete_arguments(const struct completion *completion, const struct bs_words *before) {
    const struct bs_option *option = NULL;
    bool among_options = completion->verb->bit && within_options(completion->verb, before, &option);
    if (among_options && option)
        offer_values(completion, option, 0, false);
    else if (among_options && completion->word[0] == '-')
        offer_dashed(completion);
    else
        offer_operand(completion, before);
}

void bs_complete(struct bs_session *session, const struct bs_host *host, const char *line,
                 bs_candidate_fn fn, void *arg) {
    struct completion completion = {.host = host, .fn = fn, .arg = arg};
    _cleanup_words_ struct bs_words before = {};
    line = bs_skip_blanks(line);
    size_t start = strlen(line), verb_length = strcspn(line, " \t\r\n");
    while (start && !bs_is_blank(line[start - 1]))
        start--;
    completion.word = line + start;
    if (!start) {
        offer_verbs(&completion);
        return;
    }
    _cleanup_free_ char *middle = strndup(line + verb_length, start - verb_length);
    struct bs_error *error =
        middle ? bs_verb_find(line, verb_length, &completion.verb) : &bs_enomem;
    if (!error)
        error = bs_words_init(completion.verb->name, middle, &before);
    if (!error)
        complete_arguments(&completion, &before);
    bs_error_destroy(error);
}
