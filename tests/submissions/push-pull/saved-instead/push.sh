#!/bin/sh
docker build -t app:1.0 .
docker save app:1.0 -o app.tar
