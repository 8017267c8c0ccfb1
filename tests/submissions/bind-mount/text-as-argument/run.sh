#!/bin/sh
docker run --rm --mount "type=bind,source=$PWD/config,target=/etc/app,readonly" busybox echo "$(cat config/app.conf)"
