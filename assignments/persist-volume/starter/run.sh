#!/bin/sh
# The image `counter` is there already; the grader builds it from your Dockerfile.
docker run -d --name counter counter
