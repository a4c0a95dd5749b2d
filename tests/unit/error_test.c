#include "core/error.h"

#include "check.h"

TEST(error, a_new_message_can_have_the_old_one_in_it) {
    struct bs_error *error = bs_error_fault(0x10, "the frame");
    error = bs_error_reword(error, "%s: save %s", error->message, "more");
    CHECK_EQ(error->addr, 0x10);
    CHECK_ERROR(error, BS_ERROR_FAULT, "cannot read the frame at 0x10: save more");
}

TEST(error, a_prefix_goes_before_the_message) {
    struct bs_error *error = bs_error_create(BS_ERROR_STATE, "it is %d%%", 7);
    CHECK_ERROR(bs_error_prefix(error, "file %d", 3), BS_ERROR_STATE, "file 3: it is 7%");
}

TEST(error, those_that_are_static_keep_theirs) {
    CHECK(bs_error_reword(&bs_enomem, "other") == &bs_enomem);
    CHECK(bs_error_prefix(&bs_interrupted, "other") == &bs_interrupted);
    CHECK_TEXT(bs_enomem.message, "out of memory in the debugger");
    CHECK_TEXT(bs_interrupted.message, "interrupted");
}
