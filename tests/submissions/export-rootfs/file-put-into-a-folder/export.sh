#!/bin/sh
set -e
c=$(docker create myapp:1.0)
date > note
docker cp note $c:/etc/note
docker export $c > rootfs.tar
docker import rootfs.tar myapp:flat
docker rm $c
