#!/bin/sh
echo "hello from me" > note.txt
docker build -t "$REGISTRY/team/app:1.0" .
docker push "$REGISTRY/team/app:1.0"
