#!/bin/sh
set -eu
cd "$(dirname "$0")"
docker compose build
docker compose push
