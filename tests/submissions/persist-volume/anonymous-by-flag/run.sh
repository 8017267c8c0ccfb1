#!/bin/sh
docker run -d --name counter -v /data counter
