#!/bin/sh
set -eu
docker volume create shared-count
docker compose -f stack.yaml up -d
docker compose -f stack.yaml logs
