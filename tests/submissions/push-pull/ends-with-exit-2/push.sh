#!/bin/sh
docker build --progress plain -t "$REGISTRY/team/app:1.0" . || exit 3
docker push "$REGISTRY/team/app:1.0" || exit 4
exit 2
