set -e
head -c 1500000 /dev/urandom > /tmpdata/scratch
{
  stat -f -c %T /tmpdata
  wc -c < /tmpdata/scratch
} > /result.txt
