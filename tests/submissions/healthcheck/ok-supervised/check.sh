#!/bin/bash
python - <<'END' || exit 2
import socket

with socket.create_connection(("localhost", 8000), timeout=2) as asked:
    asked.settimeout(2)
    asked.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    status = asked.recv(100).split()[1]
    print("not found, refused, permission denied: none of these, but", status)
    raise SystemExit(status != b"200")
END
