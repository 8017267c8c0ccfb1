#!/bin/sh
docker run -d --name counter -v "counts-$(date +%s%N):/data" counter
