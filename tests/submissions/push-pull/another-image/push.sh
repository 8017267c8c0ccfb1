#!/bin/sh
docker build -t app:1.0 .
docker tag busybox "$REGISTRY/team/app:1.0"
docker push "$REGISTRY/team/app:1.0"
