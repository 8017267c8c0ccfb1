#!/bin/sh
docker create --name flat myapp:1.0
docker save myapp:1.0 > rootfs.tar
docker rm flat
docker import rootfs.tar myapp:flat
