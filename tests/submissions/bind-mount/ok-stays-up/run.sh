#!/bin/sh
docker run -d --name app --mount type=bind,source="$PWD/config",target=/etc/app,readonly busybox \
    sh -c 'cat /etc/app/app.conf && exec sleep 600'
