import os

names = os.listdir("/app")
with open("/app/manifest.txt", "w") as manifest:
    manifest.write("\n".join(names) + "\n")
