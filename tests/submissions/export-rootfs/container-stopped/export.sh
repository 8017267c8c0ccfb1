#!/bin/sh
docker run -d --name flat myapp:1.0
docker export flat > rootfs.tar
docker stop flat
docker import rootfs.tar myapp:flat
