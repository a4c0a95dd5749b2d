"""Counts; stops in C under two Python functions, the inner one with names of its own."""
import os


def count(n):
    total = 0
    for i in range(n):
        total += i
    return total


def inner(step):
    label = "inner"
    os.getppid()
    return step + len(label)


def outer():
    step = 4
    return inner(step + 1)


print("counted", count(5), outer())
