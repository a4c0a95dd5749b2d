/* The verb `set`: the defaults of options. */
#include "command/session.h"
#include "command/words.h"
#include "core/text.h"

#include <string.h>

static void print_setting(const struct bs_session *session, const struct bs_option *option,
                          struct bs_buffer *buffer) {
    size_t start = buffer->length;
    bs_buffer_format(buffer, "%-13s ", option->name);
    bs_option_get(&session->defaults, option, buffer);
    bs_buffer_fill(buffer, ' ', 25 - (long)(buffer->length - start));
    bs_buffer_styled(buffer, BS_STYLE_DIM, bs_text_of(option->doc));
    bs_buffer_char(buffer, '\n');
}

static struct bs_error *print_settings(const struct bs_command *command, const char *name) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    size_t rows;
    const struct bs_option *table = bs_option_table(&rows), *only = NULL;
    struct bs_error *error = name ? bs_option_find(name, strlen(name), &only) : NULL;
    if (error)
        return error;
    for (size_t i = 0; i < rows; i++) {
        if (only ? only == &table[i] : table[i].settable)
            print_setting(command->session, &table[i], &buffer);
    }
    bs_command_sink(command, &buffer);
    return bs_buffer_status(&buffer);
}

struct bs_error *bs_command_set(struct bs_command *command) {
    _cleanup_words_ struct bs_words words = {};
    struct bs_error *error = bs_words_init("set", command->operand, &words);
    if (error)
        return error;
    if (words.count > 3)
        return bs_error_create(
            BS_ERROR_USAGE, "set takes a name and one value, such as `bytesight set repeats 500`");
    if (words.count == 3)
        return bs_session_set(command->session, words.items[1], words.items[2]);
    return print_settings(command, words.count == 2 ? words.items[1] : NULL);
}
