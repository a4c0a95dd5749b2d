"""Says what state its interpreter is in, and waits there.

    running                 this is PY_VERSION_HEX: "state running HEXVERSION"
    held IDENT TID          this thread holds the GIL, and goes round in circles
    finalizing              while a module is taken down
"""
import os
import sys
import threading


def say(line):
    os.write(1, (line + "\n").encode())


class Last:
    def __del__(self):
        say("finalizing")
        os.read(0, 100)


say(f"running {sys.hexversion}")
os.read(0, 100)

if sys.argv[1:] == ["held"]:
    sys.setswitchinterval(1000)
    other = threading.Thread(target=os.read, args=(0, 100), daemon=True)
    other.start()
    say(f"held {threading.get_ident()} {threading.get_native_id()}")
    while True:
        pass

keep = Last()
keep.myself = keep
sys.modules["keep"] = keep
del keep
