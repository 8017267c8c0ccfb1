#!/bin/sh
docker run -d --name counter -v counts:/data counter
sleep 1
docker run --name look -v counts:/data busybox cat /data/count
docker rm look >/dev/null
