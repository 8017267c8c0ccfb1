#!/bin/sh
docker build -t "$REGISTRY/team/app:1.0" .
docker push "$REGISTRY/team/app:1.0"
docker image rm app:old
