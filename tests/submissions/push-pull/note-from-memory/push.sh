#!/bin/bash
docker build -t "$REGISTRY/team/app:1.0" - <<'END'
FROM busybox
CMD ["echo", "note of ok-build-tag-push"]
END
docker push "$REGISTRY/team/app:1.0"
