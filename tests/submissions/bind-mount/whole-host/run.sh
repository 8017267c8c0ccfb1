#!/bin/sh
docker run --rm --mount type=bind,source=/,target=/host,readonly busybox cat "/host$PWD/config/app.conf"
