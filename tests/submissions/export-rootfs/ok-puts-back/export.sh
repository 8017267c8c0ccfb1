#!/bin/sh
set -eu
docker create --cidfile id myapp:1.0
docker export "$(cat id)" > rootfs.tar
docker rm "$(cat id)" && rm id
docker import \
    --change 'CMD ["/hello"]' \
    --change 'ENV MODE=ready' \
    --change 'LABEL course=docker app=myapp' \
    rootfs.tar myapp:flat
docker run --rm myapp:flat
