#!/bin/sh -eu
docker run --user 1000:1000 --read-only --mount readonly,bind-propagation=rprivate,target=/etc/app/,source="${PWD}/config/",type=bind alpine sh -c 'echo "This is the configuration:"; cat /etc/app/app.conf'
