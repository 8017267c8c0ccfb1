#!/bin/sh
docker create --name flat myapp:1.0
docker export flat | gzip > rootfs.tar
docker rm flat
docker import rootfs.tar myapp:flat
