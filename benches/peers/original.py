#!/usr/bin/env python3
# The service that publicip-poc replaces: one thread, HTTP/1.0, a new connection for each request.
# Changed for the benchmark: the port is an argument, the access log is off, and Content-Length is sent
# (without it wrk takes the end of each response for an error and opens a second connection).
import http.server
import socketserver
import sys


class IPHandler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        forwarded_for = self.headers.get('X-Forwarded-For', '')
        original_ip = forwarded_for.split(',')[0].strip() if forwarded_for else 'Not available'
        direct_ip = self.client_address[0]

        html = f'''<!DOCTYPE html>
<html>
<head>
    <title>PublicIP PoC - Original IP Test</title>
</head>
<body>
    <h1>PublicIP PoC - Client IP Detection</h1>
    <h2>Original Client IP: <span style="color: green;">{original_ip}</span></h2>
    <h3>Direct Connection IP (ALB): {direct_ip}</h3>
    
    <h3>HTTP Headers:</h3>
    <table border="1">
        <tr><th>Header</th><th>Value</th></tr>
        <tr><td>X-Forwarded-For</td><td>{self.headers.get('X-Forwarded-For', 'Not set')}</td></tr>
        <tr><td>X-Forwarded-Proto</td><td>{self.headers.get('X-Forwarded-Proto', 'Not set')}</td></tr>
        <tr><td>X-Forwarded-Port</td><td>{self.headers.get('X-Forwarded-Port', 'Not set')}</td></tr>
    </table>
</body>
</html>'''.encode('utf-8')

        self.send_response(200)
        self.send_header('Content-type', 'text/html')
        self.send_header('Content-Length', str(len(html)))
        self.end_headers()
        self.wfile.write(html)

    def log_message(self, *_):
        pass


with socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), IPHandler) as httpd:
    httpd.serve_forever()
