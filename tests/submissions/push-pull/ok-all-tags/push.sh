#!/bin/bash
docker build -t "$REGISTRY/team/app:1.0" -t "$REGISTRY/team/app:latest" . &&
docker push --all-tags "$REGISTRY/team/app"
