import os, subprocess, sys, time, urllib.request

server = subprocess.Popen([sys.executable, "app.py"])
while server.poll() is None:
    try:
        with urllib.request.urlopen("http://localhost:8000/", timeout=1.5) as answer:
            state = "well" if answer.status == 200 else "ill"
    except OSError:
        state = "ill"
    with open("/tmp/new", "w") as file:
        file.write(state)
    os.replace("/tmp/new", "/tmp/state")
    time.sleep(0.5)
