while :; do touch /tmp/alive; sleep 1; done &
exec python app.py
