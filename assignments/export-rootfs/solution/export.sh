#!/bin/sh
set -e
container=$(docker create myapp:1.0)
docker export "$container" > rootfs.tar
docker rm "$container"
docker import rootfs.tar myapp:flat
