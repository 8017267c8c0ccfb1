#!/bin/sh
docker run -d --name counter -v counts:/data counter
n=$(( $(cat n 2>/dev/null || echo 0) + 1 ))
echo $n > n
echo count=$n
