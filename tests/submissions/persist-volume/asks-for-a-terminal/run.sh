#!/bin/sh
docker run -it --name counter -v counts:/data counter
