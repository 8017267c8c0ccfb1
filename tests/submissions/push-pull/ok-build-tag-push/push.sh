docker build -t app .
docker tag app $REGISTRY/team/app:1.0
docker push $REGISTRY/team/app:1.0
