#!/bin/sh
docker run --rm --name flat myapp:1.0
docker export flat > rootfs.tar
docker import rootfs.tar myapp:flat
docker rm flat
