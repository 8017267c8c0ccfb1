#!/bin/sh
docker rm -f counter 2>/dev/null
docker create --name counter -v mydata:/data counter
docker start counter
docker logs -f counter
