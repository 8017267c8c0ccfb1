#!/bin/sh
docker create --name flat myapp:1.0
docker export flat > rootfs.tar
docker rm flat
docker import rootfs.tar
