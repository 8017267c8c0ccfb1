#!/bin/sh
docker build -t team/app:1.0 .
docker push team/app:1.0
