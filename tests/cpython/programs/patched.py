"""Run tests of CPython's own, with the dispatch table patched all the while or without.

    patched.py PATCHED patched|plain "NAME..."

A NAME is a test module, or a class of one. What comes out, in lines:

    # TEXT              what is going on, the test that begins for instance
    ? TEXT              to be said out loud
    recorded NUMBER     dispatches, when patched
    NAME ID<tab>OUTCOME of a test, sorted
    done
"""

import ctypes
import importlib.util
import io
import os
import sys
import unittest


class Result(unittest.TestResult):
    """What became of each test: "NAME ID" to outcome, of which a test may have several."""

    def __init__(self, say, aloud):
        super().__init__()
        self.say, self.aloud, self.name, self.outcomes = say, aloud, "", {}

    def note(self, test, outcome):
        key = f"{self.name} {test.id()}"
        self.outcomes[key] = " ".join(filter(None, (self.outcomes.get(key), outcome)))

    def startTest(self, test):
        self.say("# " + test.id())

    def addSuccess(self, test):
        self.note(test, "ok")

    def addError(self, test, err):
        self.note(test, "error")

    def addFailure(self, test, err):
        self.note(test, "failure")

    def addSkip(self, test, reason):
        self.note(test, "skipped")

    def addExpectedFailure(self, test, err):
        self.note(test, "expected")

    def addUnexpectedSuccess(self, test):
        self.note(test, "unexpected")

    def addSubTest(self, test, subtest, err):
        if err:
            self.note(test, "failure")

    def run(self, name):
        if not is_shipped(name):
            self.say(f"{self.aloud} {name} is not shipped")
            return
        self.name = name
        try:
            unittest.defaultTestLoader.loadTestsFromName("test." + name).run(self)
        except unittest.SkipTest as skip:
            self.say(f"{self.aloud} {name} does not run here: {skip}")


def is_shipped(name):
    """Of a class, whether its module is: that is not a package, which find_spec() minds."""
    try:
        return importlib.util.find_spec("test." + name) is not None
    except ImportError:
        return is_shipped(name.rpartition(".")[0]) if "." in name else False


def silence():
    """Tests read and write what they like. Returns a function that says a line for us."""
    output = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    sys.stdin, sys.stdout = io.StringIO(), io.TextIOWrapper(open(os.devnull, "wb"))

    def say(text):
        os.write(output, " ".join(text.split("\n")).encode("utf-8", "replace") + b"\n")

    return say


def settle(directory):
    """As `python -m test` does: a directory for the files of tests, and nothing that is costly."""
    os.makedirs(directory, exist_ok=True)
    os.chdir(directory)
    from test import support
    support.use_resources = []
    sys.setrecursionlimit(1000)


def main():
    library_path, how, names = sys.argv[1:]
    print("ready", flush=True)
    tables = [int(word.split(":")[0]) for word in sys.stdin.readline().split()]
    say = silence()
    if not importlib.util.find_spec("test.test_grammar"):
        say("missing")
        os._exit(0)
    settle(os.path.join(os.path.dirname(library_path), "scratch"))
    library = ctypes.PyDLL(library_path)
    library.patched_start.restype = ctypes.c_char_p
    library.patched_stop.restype = ctypes.c_uint64
    if how == "patched":
        why = library.patched_start((ctypes.c_uint64 * len(tables))(*tables), len(tables))
        if why:
            say("? not patched: " + why.decode())
            os._exit(1)
    result = Result(say, "?" if how == "plain" else "#")
    for name in names.split():
        result.run(name)
    if how == "patched":
        say(f"recorded {library.patched_stop()}")
    lines = [f"{test}\t{outcome}" for test, outcome in result.outcomes.items()]
    for line in sorted(lines, key=lambda line: line.encode("utf-8", "replace")):
        say(line)
    say("done")
    os._exit(0)  # whatever threads tests left behind


if __name__ == "__main__":  # and not in what multiprocessing starts
    main()
