#!/bin/sh
id=$(docker build -q --no-cache .) || exit 1
docker tag "$id" "$REGISTRY/team/app:1.0"
for try in 1 2 3; do
    docker push "$REGISTRY/team/app:1.0" && exit 0
    sleep 1
done
exit 1
