#!/bin/sh
conf=$(realpath config)/app.conf
if [ ! -f "$conf" ]; then
    echo "there is no $conf" >&2
    exit 1
fi
id=$(docker create --mount type=bind,source="$conf",target=/etc/app/app.conf,readonly alpine tail -n +1 /etc/app/app.conf)
docker start --attach "$id"
docker rm "$id"
