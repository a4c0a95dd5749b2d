"""For GDB: a breakpoint that uses bytesight while it decides whether to stop."""
import gdb


def said(command):
    try:
        return gdb.execute("bytesight " + command, False, True)
    except gdb.error as error:
        return str(error)


class Curious(gdb.Breakpoint):
    def stop(self):
        print("stack:", "[py]  inner at " in said("stack"))
        print("code:", "CALL" in said("code"))
        print("trace:", said("trace count(2)"))
        print("status:", "thread" in said("status"))
        return True


Curious("getppid")
