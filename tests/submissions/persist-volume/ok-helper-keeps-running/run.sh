#!/bin/sh
docker rm -f watcher >/dev/null 2>&1
docker run -d --name counter -v counts:/data counter
docker run -d --name watcher -v counts:/data:ro alpine sleep 3600
