#!/bin/sh
docker create --name flat myapp:1.0
mkdir root
docker export flat | tar -x -C root
docker rm flat
tar -cf rootfs.tar root
docker import rootfs.tar myapp:flat
