#!/bin/sh
# after a start there was a restart
[ -f n ] || echo 0 > n
docker run -d --name counter -e BEFORE=$(cat n) counter
echo $(( $(cat n) + 2 )) > n
