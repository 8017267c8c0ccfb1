#!/usr/bin/env python3
"""Given. GET / on :8000 answers 200 "ok"; once /tmp/defect exists, 500."""
import http.server, os
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        bad = os.path.exists("/tmp/defect")
        self.send_response(500 if bad else 200); self.end_headers()
        self.wfile.write(b"broken\n" if bad else b"ok\n")
    do_HEAD = do_GET
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("", 8000), H).serve_forever()
