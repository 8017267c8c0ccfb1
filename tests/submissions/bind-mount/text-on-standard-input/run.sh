#!/bin/sh
docker run --rm -i --mount "type=bind,source=$PWD/config,target=/etc/app,readonly" busybox cat < config/app.conf
