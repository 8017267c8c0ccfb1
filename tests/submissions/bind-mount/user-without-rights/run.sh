#!/bin/sh
docker run --rm --user nobody --mount type=bind,source="$PWD/config",target=/etc/app busybox cat /etc/app/app.conf
