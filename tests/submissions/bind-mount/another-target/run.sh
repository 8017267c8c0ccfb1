#!/bin/sh
docker run --rm --mount "type=bind,source=$PWD/config,target=/config,readonly" busybox cat /config/app.conf
