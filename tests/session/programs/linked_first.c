/* With linked_second.c a library that is optimised when it is linked, so that both are one unit. */
#include <stdlib.h>
#include <unistd.h>

int linked_twice(int number);
int linked_first(int number);
int linked_tail(void);

int linked_first(int number) {
    if (number < 0)
        abort(); /* so that the function has a cold piece, which lies below it */
    return linked_twice(number) + 1;
}

static __attribute__((noinline)) int stop(void) {
    return getppid() > 0;
}

/* Its frame is gone while stop() runs; a debugger may show it nevertheless. */
static __attribute__((noinline)) int tail(void) {
    return stop();
}

int linked_tail(void) {
    return tail() + 1;
}
