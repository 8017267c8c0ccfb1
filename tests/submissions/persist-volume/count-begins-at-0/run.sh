#!/bin/sh
docker run -d --name counter -v counts:/data counter
