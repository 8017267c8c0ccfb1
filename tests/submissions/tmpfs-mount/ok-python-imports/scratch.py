import argparse
import hashlib
import json
import logging
import pathlib
import secrets
import subprocess
import tempfile

logging.basicConfig(level=logging.INFO)
options = argparse.ArgumentParser()
options.add_argument("--where", type=pathlib.Path, default=pathlib.Path("/tmpdata"))
where = options.parse_args().where

with tempfile.NamedTemporaryFile(dir=where, delete=False) as scratch:
    for _ in range(12):
        scratch.write(secrets.token_bytes(100_000))
logging.info(json.dumps({"digest": hashlib.sha256(pathlib.Path(scratch.name).read_bytes()).hexdigest()}))

kind = subprocess.run(["stat", "-f", "-c", "%T", where], capture_output=True, text=True, check=True).stdout.strip()
size = sum(path.stat().st_size for path in where.iterdir())
pathlib.Path("/result.txt").write_text(f"{kind}\n{size}\n")
