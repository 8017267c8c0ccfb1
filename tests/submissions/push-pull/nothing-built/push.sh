#!/bin/sh
docker tag app:1.0 "$REGISTRY/team/app:1.0" && docker push "$REGISTRY/team/app:1.0"
