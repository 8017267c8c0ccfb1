head -c 1500000 /dev/urandom > /tmpdata/scratch && df -T /tmpdata | awk 'END { print $2 }' > /result.txt && wc -c < /tmpdata/scratch >> /result.txt
