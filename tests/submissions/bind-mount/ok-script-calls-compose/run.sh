#!/bin/sh
cd "$(dirname "$0")" && docker compose -f show.yaml up
