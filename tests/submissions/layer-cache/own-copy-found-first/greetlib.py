__version__ = "1.0"


def greet(n):
    return f"Hello, {n}, from greetlib {__version__}"
