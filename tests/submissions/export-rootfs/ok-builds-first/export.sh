#!/bin/sh
docker build -t myapp:1.0 .
docker rm -f flat 2>/dev/null
docker create --name flat myapp:1.0 /hello || exit 1
docker export flat > rootfs.tar || exit 1
docker import "$PWD/rootfs.tar" myapp:flat || exit 1
docker rm flat
docker image ls
