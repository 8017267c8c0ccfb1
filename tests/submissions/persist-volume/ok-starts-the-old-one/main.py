import pathlib, time

file = pathlib.Path("/var/count/starts.txt")
count = int(file.read_text()) + 1 if file.exists() else 1
file.write_text(str(count))
print(f"count={count}")
print("waiting")
while True:
    time.sleep(60)
