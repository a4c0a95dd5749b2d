"""Calls functions whose C functions are looked at. The argument is the folder of the extension."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "walk", "programs"))
from walked import divide, extension, in_order  # noqa: E402

os.getppid()
print("was", divide(1, 0), in_order(), extension())
