#!/bin/sh
docker build -t app:1.0 .
docker push "$REGISTRY/team/app:1.0"
docker tag app:1.0 "$REGISTRY/team/app:1.0"
