#!/bin/sh
docker run --rm --mount type=bind,source="$PWD"/config,target=/etc/app,readonly --mount type=bind,source="$PWD"/config,target=/mnt,readonly busybox cat /etc/app/app.conf
