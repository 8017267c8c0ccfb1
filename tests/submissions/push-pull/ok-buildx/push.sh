#!/bin/sh
tar -c Dockerfile note.txt | docker buildx build --load --label maintainer=me -t "$REGISTRY/team/app:1.0" - || exit
docker push "$REGISTRY/team/app:1.0"
