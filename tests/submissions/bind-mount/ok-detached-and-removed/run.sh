#!/bin/sh
docker run -d --name conf --mount type=bind,source="$PWD"/config,target=/etc/app,readonly busybox cat /etc/app/app.conf
docker wait conf
docker logs conf
docker rm conf
