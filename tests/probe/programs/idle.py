"""A Python to look at from outside: it says hello and ends with the next line it is sent."""

import sys

print("ready", flush=True)
sys.stdin.readline()
sys.stdin.readline()
