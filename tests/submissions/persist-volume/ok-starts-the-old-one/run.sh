#!/bin/bash
if [[ -n $(docker ps -aq --filter name='^counter$') ]]; then
    docker start counter
else
    docker run -d --name counter --volume "starts:/var/count:rw" counter
fi
