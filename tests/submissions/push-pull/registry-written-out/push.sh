#!/bin/sh
REGISTRY=localhost:5000
docker build -t "$REGISTRY/team/app:1.0" .
docker push "$REGISTRY/team/app:1.0"
