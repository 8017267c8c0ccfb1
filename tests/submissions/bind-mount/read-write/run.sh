#!/bin/sh
docker run --rm --mount type=bind,source="$PWD/config",target=/etc/app busybox cat /etc/app/app.conf
