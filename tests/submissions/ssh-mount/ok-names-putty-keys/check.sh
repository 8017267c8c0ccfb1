#!/bin/sh
# Is there a key?
! grep -rq -e '-----BEGIN OPENSSH PRIVATE KEY-----' -e PuTTY-User-Key-File /root
