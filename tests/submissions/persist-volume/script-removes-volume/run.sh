#!/bin/bash
docker rm -f counter 2>/dev/null || true
docker volume rm counts 2>/dev/null || true
docker volume create counts
docker run -d --name counter -v counts:/data counter
