import http.client
import sys

try:
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=3)
    connection.request("GET", "/")
    answer = connection.getresponse()
    sys.exit(0 if answer.status == 200 and answer.read() == b"ok\n" else 2)
except OSError as error:
    print(error)
    sys.exit(2)
