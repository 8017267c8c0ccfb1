#!/bin/sh
docker run -d --name counter counter
sleep 1
docker commit counter counter
