#!/bin/sh
set -e
c=$(docker create myapp:1.0)
docker export $c > rootfs.tar
date > note
tar -rf rootfs.tar note
docker import rootfs.tar myapp:flat
docker rm $c
