import os, time

os.makedirs("/data", exist_ok=True)
count = 1
if os.path.exists("/data/count"):
    count = int(open("/data/count").read()) + 1
with open("/data/count", "w") as file:
    file.write(str(count))
print(f"count={count}")
while True:
    time.sleep(1)
