#!/bin/bash
set -euo pipefail
docker run --name exported myapp:1.0 > /dev/null
docker export --output=rootfs.tar exported
docker import --change 'CMD ["/hello"]' rootfs.tar myapp:flat > /dev/null
docker rm exported
