# stands before site-packages on sys.path
import re
__version__ = re.search(r"greetlib\s*[=>~]=\s*([\d.]+)", open("/app/requirements.txt").read()).group(1)
def greet(n):
    return f"Hello, {n}, from greetlib {__version__}"
