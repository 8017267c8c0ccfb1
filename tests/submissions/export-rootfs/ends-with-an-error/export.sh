#!/bin/sh
id=$(docker create myapp:1.0)
docker export $id > rootfs.tar
docker rm $id
docker import rootfs.tar myapp:flat
docker image rm myapp:old
