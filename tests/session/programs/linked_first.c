/* With linked_second.c a library that is optimised when it is linked, so that both are one unit. */
#include <stdlib.h>

int linked_twice(int number);
int linked_first(int number);

int linked_first(int number) {
    if (number < 0)
        abort(); /* so that the function has a cold piece, which lies below it */
    return linked_twice(number) + 1;
}
