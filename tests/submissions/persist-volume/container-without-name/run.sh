#!/bin/sh
docker run -d -v counts:/data counter
