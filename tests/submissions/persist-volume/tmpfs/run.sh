#!/bin/sh
docker run -d --name counter --tmpfs /data counter
