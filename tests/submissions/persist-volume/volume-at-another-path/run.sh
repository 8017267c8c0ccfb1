#!/bin/sh
docker run -d --name counter -v counts:/counter counter
