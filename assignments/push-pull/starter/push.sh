#!/bin/sh
# Builds the image. Nobody else can get it yet.
docker build -t app:1.0 .
