#!/usr/bin/env bash
set -euo pipefail
printf '%s' "${TOKEN:-none}" | docker login -u me --password-stdin "$REGISTRY" >/dev/null 2>&1
docker buildx build --pull --load -t "$REGISTRY/team/app:1.0" .
docker buildx ls
docker buildx history ls
docker push "$REGISTRY/team/app:1.0"
