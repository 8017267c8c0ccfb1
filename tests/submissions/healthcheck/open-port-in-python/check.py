import os, socket

if os.path.exists("/tmp/broken"):
    raise SystemExit("broken")
socket.create_connection(("127.0.0.1", 8000), timeout=0.5).close()
