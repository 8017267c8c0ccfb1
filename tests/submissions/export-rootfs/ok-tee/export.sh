#!/bin/bash
set -e -o pipefail
docker create --name flat myapp:1.0
docker export flat | tee rootfs.tar | docker import --message "flattened" - myapp:flat
docker rm --volumes flat
