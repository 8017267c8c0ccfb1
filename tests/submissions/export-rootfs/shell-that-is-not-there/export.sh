#!/bin/sh -e
docker run --name flat myapp:1.0 sh -c true
docker export flat > rootfs.tar
docker rm flat
docker import rootfs.tar myapp:flat
