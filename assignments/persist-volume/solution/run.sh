#!/bin/sh
docker run -d --name counter --mount type=volume,source=counts,target=/data counter
