/* Names in brief, as debuggers spell them. */
#include "check.h"
#include "core/brief.h"
#include "core/text.h"

#include <stdio.h>

TEST(brief, what_functions_take_is_left_out) {
    static const struct {
        const char *name, *brief;
    } cases[] = {
        {"PyNumber_Add", "PyNumber_Add"},
        {"python3.11+0x1f30", "python3.11+0x1f30"},
        {"memcpy@plt", "memcpy@plt"},
        {"geo::thrower(int)", "geo::thrower"},
        {"geo::Vec<double>::dot(geo::Vec<double> const&) const", "geo::Vec<>::dot"},
        {"std::map<int, std::vector<int> >::at(int const&)", "std::map<>::at"},
        {"(anonymous namespace)::f(void (*)(int))", "(anonymous namespace)::f"},
        {"x::(anonymous namespace)::f<int>(int)", "x::(anonymous namespace)::f<>"},
        {"m::{lambda(int)#1}::operator()(int) const", "m::{lambda#1}::operator()"},
        {"void f<int>(int)::'lambda1'(int)::_FUN(int)", "void f<>::'lambda1'::_FUN"},
        {"operator new(unsigned long)", "operator new"},
        {"std::operator<< <char>(std::ostream&)", "std::operator<< <char>"},
        {"a::operator->()", "a::operator->"},
        {"my_operator<int>()", "my_operator<>"},
        {"f<(a->b)>(int) [clone .cold]", "f<> [clone .cold]"},
        {"<alloc::vec::Vec<T> as core::ops::Drop>::drop",
         "<alloc::vec::Vec<> as core::ops::Drop>::drop"},
        {"core::str::<impl str>::trim", "core::str::<impl str>::trim"},
        {"f(int", "f(int"},
        {"f<1<2>(int)", "f<1<2>(int)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
        bs_brief_append(&buffer, bs_text_of(cases[i].name));
        if (!CHECK_BYTES(buffer.data, buffer.length, cases[i].brief))
            printf("  of %s\n", cases[i].name);
    }
}
