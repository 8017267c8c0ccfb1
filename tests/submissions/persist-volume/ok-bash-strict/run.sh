#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
docker volume create counter-data > /dev/null
docker run --detach --name counter \
    --mount type=volume,src=counter-data,dst=/var/lib/counter \
    --restart unless-stopped \
    counter
