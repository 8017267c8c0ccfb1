#!/bin/sh
docker run -d --name counter counter
