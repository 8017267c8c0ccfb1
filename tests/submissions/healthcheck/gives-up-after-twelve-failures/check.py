import urllib.request

try:
    urllib.request.urlopen("http://127.0.0.1:8000/", timeout=2)
except OSError:
    with open("/tmp/failures", "a") as failures:
        failures.write("x")
    raise SystemExit(1)
open("/tmp/failures", "w").close()
