#!/bin/sh -e
docker volume inspect state >/dev/null 2>&1 || docker volume create state
docker container run -d --name=counter -v state:/state counter:latest
docker ps
