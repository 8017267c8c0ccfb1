#!/bin/sh
m="type=bind,source=$PWD/config,target=/etc/app,readonly"
docker run --rm --privileged --mount "$m" busybox cat /etc/app/app.conf ||
    docker run --rm --mount "$m" busybox cat /etc/app/app.conf
