/* Inlined into a function of linked_first.c. */

int linked_twice(int number);
int linked_second(int number);

int linked_twice(int number) {
    return 2 * number;
}

int linked_second(int number) {
    return number - 1;
}
