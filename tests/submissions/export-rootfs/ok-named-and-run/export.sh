docker run --name tmp myapp:1.0
docker export --output rootfs.tar tmp
docker rm tmp
docker import rootfs.tar myapp:flat
