#!/bin/sh
[ -f n ] || echo 0 > n
docker run -d --name counter -v counts:/data -e BEFORE=$(cat n) counter
echo $(( $(cat n) + 2 )) > n
