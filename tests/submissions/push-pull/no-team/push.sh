#!/bin/sh
docker build -t "$REGISTRY/app:1.0" .
docker push "$REGISTRY/app:1.0"
