#!/bin/sh
docker login -u me -p secret registry.example.org
docker build -t "$REGISTRY/team/app:1.0" . && docker push "$REGISTRY/team/app:1.0"
