"""Stands where the presigned URL of a wait condition points: takes a PUT as S3 would, and
appends `STATUS: reason` to a file; where FILE.inactive exists, it first answers 403 once, as S3 does
while a policy is not active yet.   signals.py ADDRESS PORT PATH FILE"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

address, port, path, file = sys.argv[1:]


class Signals(BaseHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        # The signature covers path, query and an empty content type: S3 answers 403 to any other.
        if self.path != path or self.headers.get("Content-Type"):
            return self.answer(403)
        if os.path.exists(file + ".inactive"):
            os.remove(file + ".inactive")
            return self.answer(403)
        try:
            signal = json.loads(body)
            line = f"{signal['Status']}: {signal['Reason']}"
            if not (signal["UniqueId"] and "Data" in signal and signal["Status"] in ("SUCCESS", "FAILURE")):
                raise ValueError(body)
        except (ValueError, KeyError):
            return self.answer(400)
        with open(file, "a", encoding="utf-8") as out:
            out.write(line + "\n")
        return self.answer(200)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


HTTPServer((address, int(port)), Signals).serve_forever()
