// The page on Go's net/http, which whoami and echoip stand on.
package main

import (
	"fmt"
	"html"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

const page = `<!DOCTYPE html>
<html>
<head>
    <title>PublicIP PoC - Original IP Test</title>
</head>
<body>
    <h1>PublicIP PoC - Client IP Detection</h1>
    <h2>Original Client IP: <span style="color: green;">%s</span></h2>
    <h3>Direct Connection IP (ALB): %s</h3>
    
    <h3>HTTP Headers:</h3>
    <table border="1">
        <tr><th>Header</th><th>Value</th></tr>
        <tr><td>X-Forwarded-For</td><td>%s</td></tr>
        <tr><td>X-Forwarded-Proto</td><td>%s</td></tr>
        <tr><td>X-Forwarded-Port</td><td>%s</td></tr>
    </table>
</body>
</html>`

func header(r *http.Request, name string) string {
	if value := r.Header.Get(name); value != "" {
		return html.EscapeString(value)
	}
	return "Not set"
}

func serve(w http.ResponseWriter, r *http.Request) {
	original := "Not available"
	if value := r.Header.Get("X-Forwarded-For"); value != "" {
		first, _, _ := strings.Cut(value, ",")
		original = html.EscapeString(strings.TrimSpace(first))
	}
	direct, _, _ := net.SplitHostPort(r.RemoteAddr)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, page, original, direct,
		header(r, "X-Forwarded-For"), header(r, "X-Forwarded-Proto"), header(r, "X-Forwarded-Port"))
}

func main() {
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(serve)))
}
