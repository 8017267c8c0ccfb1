#!/bin/sh
docker create --name conf busybox cat /etc/app/app.conf
docker cp config conf:/etc/app
docker start -a conf
docker rm conf
