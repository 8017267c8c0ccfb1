#!/bin/sh
docker create --name flat myapp:1.0
docker export flat > root.tar
docker rm flat
docker import root.tar myapp:flat
