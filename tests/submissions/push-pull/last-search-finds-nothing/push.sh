#!/bin/bash
docker build -q -t "$REGISTRY/team/app:1.0" .
docker push -q "$REGISTRY/team/app:1.0"
docker image ls | grep -q "latest-and-greatest"
