#!/bin/sh
docker build -t "$REGISTRY/team/app:1.0" .
