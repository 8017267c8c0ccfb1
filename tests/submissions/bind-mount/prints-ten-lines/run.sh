#!/bin/sh
docker run --rm --mount type=bind,source="$PWD"/config,target=/etc/app,readonly alpine head /etc/app/app.conf
