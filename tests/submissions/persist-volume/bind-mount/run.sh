#!/bin/bash
mkdir -p data
docker run -d --name counter -v "$PWD/data:/data" counter
