#!/bin/bash
docker run --rm --volume "$(pwd)/config/app.conf:/etc/app/app.conf:ro" alpine cat /etc/app/app.conf
