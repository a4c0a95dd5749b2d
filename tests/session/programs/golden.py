"""Has the golden programs' functions as its own, and prints their cases: PROGRAM NUMBER CALL."""
import importlib
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "golden", "programs")

sys.path.insert(0, FOLDER)
for name in sorted(name[:-3] for name in os.listdir(FOLDER) if name.endswith(".py")):
    module = importlib.import_module(name)
    for number, case in enumerate(module.CASES):
        print(name, number, case)
    globals().update(vars(module))
sys.stdout.flush()
os.getppid()
print("done")
