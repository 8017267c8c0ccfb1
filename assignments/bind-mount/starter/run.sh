#!/bin/sh
# Shows the file on the host. A container is to show it.
cat config/app.conf
