"""Prints each line of the file that it is given as Python finds it, in UTF-8 and without the white
space around it, one a line."""
import linecache
import sys

for line in linecache.getlines(sys.argv[1]):
    sys.stdout.buffer.write(line.strip(" \t\n\v\f\r").encode() + b"\n")
