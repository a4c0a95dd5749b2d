/* An object, and debug information of a pointer to it: the Makefile makes that one of no bytes. */
struct bolted {
    int number;
};

extern struct bolted bolted, *where;
struct bolted bolted = {5}, *where = &bolted;
