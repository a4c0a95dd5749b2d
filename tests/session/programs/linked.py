"""Calls a library that was optimised when it was linked."""

import ctypes
import os
import sys

library = ctypes.CDLL(os.path.join(sys.argv[1], "liblinked.so"))
library.linked_tail() if "tail" in sys.argv else os.getppid()
print("linked", library.linked_first(2), library.linked_second(2))
