#!/bin/sh
set -eux
docker image rm busybox
docker pull busybox
docker build --pull -t "$REGISTRY/team/app:1.0" .
docker push "$REGISTRY/team/app:1.0"
