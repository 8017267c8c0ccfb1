#!/bin/sh
docker create --name flat myapp:1.0
docker export flat > rootfs.tar
docker rm flat
printf 'FROM scratch\nCOPY --from=myapp:1.0 / /\n' | docker build -t myapp:flat -
