#!/bin/sh
set -eu
docker pull busybox
docker run --rm --pull always -e LANG=C --mount type=bind,source="$PWD"/config,target=/etc/app,readonly busybox cat /etc/app/app.conf
