# What `make demo` shows; demo.sh starts it. Everything before the first caption is only quiet.
set pagination off
set width 0
set style enabled on
set suppress-cli-notifications on
set breakpoint pending on
python import os; gdb.execute("source " + os.environ["BYTESIGHT_PLUGIN"])
python gdb.execute("tbreak add_word", to_string=True)
python gdb.execute("run", to_string=True)

echo \n== A Python program (tests/demo/demo.py), stopped in a C function of its extension module.\n
echo == (gdb) bytesight stack: its C and Python frames as one stack.\n\n
bytesight stack
echo \n== (gdb) bytesight trace score('a'): every bytecode event of a call, made in a clone of the program.\n\n
bytesight trace score('a')
echo == (gdb) bytesight profile score('an'): what each opcode of a call costs, beside the C functions it ran.\n\n
bytesight profile score('an')
echo == (gdb) continue: the program itself has not noticed. It goes on, and prints what it always prints.\n\n
continue
