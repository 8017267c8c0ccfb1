import os

names = sorted(name for name in os.listdir("/app") if not name.startswith("."))
with open("/app/manifest.txt", "w") as manifest:
    manifest.write("\n".join(names))
