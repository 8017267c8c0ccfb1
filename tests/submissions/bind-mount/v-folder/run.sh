#!/bin/sh
docker run --rm -v "$PWD/config:/etc/app:ro" busybox cat /etc/app/app.conf
