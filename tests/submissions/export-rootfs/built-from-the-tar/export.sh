#!/bin/bash
set -e
docker create --name flat myapp:1.0
docker export flat > rootfs.tar
docker rm flat
docker build -t myapp:flat -f - . <<'END'
FROM scratch
ADD rootfs.tar /
END
