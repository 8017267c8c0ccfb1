#!/bin/sh
rm -rf .mounted && cp -r config .mounted
docker run --rm --mount "type=bind,source=$PWD/.mounted,target=/etc/app,readonly" busybox cat /etc/app/app.conf
