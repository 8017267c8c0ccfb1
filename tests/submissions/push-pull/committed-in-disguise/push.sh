#!/bin/sh -e
docker rm -f work 2>/dev/null || true
docker run --name work busybox true
docker cp note.txt work:/note.txt
docker commit --change 'CMD ["cat","/note.txt"]' -m "COPY note.txt /note.txt" work "$REGISTRY/team/app:1.0"
docker push "$REGISTRY/team/app:1.0"
