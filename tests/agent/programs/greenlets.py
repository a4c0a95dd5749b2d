"""CALL is made in a greenlet, and leaves the stack to another."""

import greenlet


def deep(n):
    return n and max([n - 1], key=deep)


def in_greenlet(go):
    """The function `max` is C's, so that this goes down the stack to where `go` was."""
    child = greenlet.greenlet(go)
    child.switch()
    while not child.dead:
        deep(50)
        child.switch()


def switching():
    greenlet.getcurrent().parent.switch()
    return 5
