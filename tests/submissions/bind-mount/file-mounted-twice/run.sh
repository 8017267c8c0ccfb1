#!/bin/bash
docker run --rm \
    --mount "type=bind,source=$PWD/config/app.conf,target=/etc/app/app.conf,readonly" \
    --mount "type=bind,source=$PWD/config/app.conf,target=/srv/app.conf" \
    busybox cat /etc/app/app.conf
