#!/bin/sh
docker rm "$(docker create myapp:1.0)"
tar -cf rootfs.tar hello
docker import rootfs.tar myapp:flat
