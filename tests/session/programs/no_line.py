"""Python's own clean-up of the name `e` has no line; here it stops in C."""
import os


class Names(dict):
    def __setitem__(self, key, value):
        if key == "e" and value is None:
            os.getppid()
        super().__setitem__(key, value)


class Meta(type):
    @classmethod
    def __prepare__(cls, name, bases):
        return Names()


try:

    class Body(metaclass=Meta):
        try:
            raise KeyError
        except KeyError as e:
            raise ValueError from e

except ValueError:
    print("without a line")
