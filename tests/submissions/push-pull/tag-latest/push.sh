#!/bin/sh
docker build -t "$REGISTRY/team/app" .
docker push "$REGISTRY/team/app"
