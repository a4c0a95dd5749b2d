# What `make demo` shows; demo.sh starts it. Everything before the first caption is only quiet.
set pagination off
set width 0
set style enabled on
set suppress-cli-notifications on
set breakpoint pending on
python import os; gdb.execute("source " + os.environ["BYTESIGHT_PLUGIN"])
python gdb.execute("tbreak add_word", to_string=True)
python gdb.execute("run", to_string=True)

echo \n== This Python program is stopped in a C function of its extension module.\n\n
backtrace 3
echo \n== (gdb) bytesight trace score('an'): every bytecode event of a call, run beside the program.\n\n
bytesight trace score('an')
echo == (gdb) bytesight profile score('opcode'): the same for another word, timed.\n\n
bytesight profile score('opcode')
echo == (gdb) bytesight show --by line: where the time went.\n\n
bytesight show --by line
echo \n== (gdb) continue: all of that left no trace in the program, which goes on.\n\n
continue
