docker run --name conf --rm \
    --mount=type=bind,src="$(pwd)"/config/app.conf,dst=/etc/app/app.conf,ro=true \
    --network none busybox:latest cat /etc/app/app.conf
