#!/bin/sh
# The image myapp:1.0 is there. Make rootfs.tar and myapp:flat of it.
docker image inspect myapp:1.0
