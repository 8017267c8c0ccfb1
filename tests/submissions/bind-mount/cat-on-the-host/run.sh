#!/bin/sh
docker run --rm --mount "type=bind,source=$PWD/config,target=/etc/app,readonly" busybox ls /etc/app
cat config/app.conf
