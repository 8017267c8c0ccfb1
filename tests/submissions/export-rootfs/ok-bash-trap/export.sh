#!/bin/bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

id=$(docker container create myapp:1.0)
trap 'docker container rm --force "$id" >/dev/null' EXIT
docker container export "$id" -o rootfs.tar
docker image import - myapp:flat < rootfs.tar
