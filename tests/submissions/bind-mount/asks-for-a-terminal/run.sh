#!/bin/sh
docker run --rm -it --mount "type=bind,source=$PWD/config,target=/etc/app,readonly" busybox cat /etc/app/app.conf
