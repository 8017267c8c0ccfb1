#!/bin/bash
docker run --rm --mount "type=bind,source=$PWD/config,target=/etc/app,readonly" \
    --env CONF="$(< config/app.conf)" busybox sh -c 'echo "$CONF"'
