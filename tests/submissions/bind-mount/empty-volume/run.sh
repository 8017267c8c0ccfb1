#!/bin/sh
docker run --rm -v config:/etc/app:ro busybox cat /etc/app/app.conf
