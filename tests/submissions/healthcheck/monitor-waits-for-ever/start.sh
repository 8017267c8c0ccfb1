while :; do
  if python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/')"; then echo up; else echo down; fi > /tmp/new 2>/dev/null
  mv /tmp/new /tmp/state
  sleep 1
done &
exec python app.py
