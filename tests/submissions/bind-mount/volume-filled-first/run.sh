#!/bin/bash
docker create --name fill -v conf:/etc/app busybox
docker cp config/. fill:/etc/app
docker rm fill
docker run --rm --mount type=volume,source=conf,target=/etc/app,readonly busybox cat /etc/app/app.conf
