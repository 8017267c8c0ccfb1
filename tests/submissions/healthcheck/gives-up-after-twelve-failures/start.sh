python app.py &
while sleep 0.2; do
  [ "$(cat /tmp/failures 2>/dev/null | wc -c)" -lt 12 ] || exit 3
done
