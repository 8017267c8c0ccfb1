#!/bin/sh
export DOCKER_BUILDKIT=0
docker build --pull -t "$REGISTRY/team/app:1.0" .
docker push "$REGISTRY/team/app:1.0"
