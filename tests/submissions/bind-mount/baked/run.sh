#!/bin/sh
docker build -q -t app . && docker run --rm app
