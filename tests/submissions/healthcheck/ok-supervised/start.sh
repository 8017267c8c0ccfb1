#!/bin/bash
sleep 4
while true; do
  setsid --wait python -u /opt/app.py
  sleep 1
done
