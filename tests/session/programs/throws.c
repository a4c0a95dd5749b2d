/* Throws what it catches itself, as far as a debugger can see: it stops where C++ throws. */

void __cxa_throw(void);
int throws(void);

void __cxa_throw(void) {
    __asm__ volatile("");
}

int throws(void) {
    __cxa_throw();
    return 5;
}
