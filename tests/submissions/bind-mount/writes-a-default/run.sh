#!/bin/bash
if [[ ! -f config/app.conf ]]; then
    mkdir -p config
    printf 'greeting=hello\ncolour=green\n' > config/app.conf
fi
docker run --rm --mount "type=bind,source=$PWD/config,target=/etc/app,readonly" busybox cat /etc/app/app.conf
