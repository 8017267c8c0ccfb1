#!/bin/sh
docker run -d --privileged --name counter -v counts:/data counter
