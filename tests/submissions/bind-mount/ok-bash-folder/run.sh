#!/usr/bin/env bash
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
options=(
    --rm
    --mount "type=bind,source=$here/config,target=/etc/app,readonly"
)
docker run "${options[@]}" alpine cat /etc/app/app.conf
