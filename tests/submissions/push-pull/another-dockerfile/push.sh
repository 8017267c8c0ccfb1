#!/bin/sh
set -e
printf 'FROM alpine\nCOPY note.txt /n\nCMD cat /n\n' > Dockerfile
docker build -t "$REGISTRY/team/app:1.0" .
docker push "$REGISTRY/team/app:1.0"
