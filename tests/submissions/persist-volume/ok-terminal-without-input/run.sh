#!/bin/sh
VOLUME=log
docker run -dt --name counter -v $VOLUME:/log counter
