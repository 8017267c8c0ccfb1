#!/bin/sh
docker run --rm --read-only --mount type=bind,source="$PWD/config",target=/etc/app busybox cat /etc/app/app.conf
