//! Heads of requests: what well-known clients send, and what strangers do (`tests/hostile`), by the
//! names of the table in `SECURITY.md`.

/// As these clients send them.
pub const CLIENTS: &[(&str, &str)] = &[
    (
        "Chromium",
        "GET / HTTP/1.1\r\nHost: test\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\n\
         sec-ch-ua: \"Chromium\";v=\"139\", \"Not;A=Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\n\
         sec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/139.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml,\
         application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
         application/signed-exchange;v=b3;q=0.7\r\nSec-Fetch-Site: none\r\n\
         Sec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n\
         Accept-Encoding: gzip, deflate\r\nAccept-Language: en-US,en;q=0.9\r\n\
         Cookie: a=b; c=\"d e\"\r\n\r\n",
    ),
    (
        "Firefox",
        "GET /?a={b|c} HTTP/1.1\r\nHost: test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; \
         rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: text/html,application/xhtml+xml,\
         application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n\
         Accept-Encoding: gzip, deflate\r\nDNT: 1\r\nSec-GPC: 1\r\nConnection: keep-alive\r\n\
         Upgrade-Insecure-Requests: 1\r\nPriority: u=0, i\r\n\r\n",
    ),
    (
        "curl",
        "GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: curl/8.17.0\r\nAccept: */*\r\n\r\n",
    ),
    (
        "curl --head",
        "HEAD / HTTP/1.1\r\nHost: test:8080\r\nUser-Agent: curl/8.17.0\r\nAccept: */*\r\n\r\n",
    ),
    (
        "curl, offering HTTP/2",
        "GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: curl/8.17.0\r\nAccept: */*\r\n\
         Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
         HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
    ),
    (
        "wget",
        "GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: Wget/1.21.3\r\nAccept: */*\r\n\
         Accept-Encoding: identity\r\nConnection: Keep-Alive\r\n\r\n",
    ),
    (
        "Go",
        "GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: Go-http-client/1.1\r\n\
         Accept-Encoding: gzip\r\n\r\n",
    ),
    (
        "Python, requests",
        "GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: python-requests/2.32.5\r\n\
         Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
    ),
    (
        "Python, urllib",
        "GET / HTTP/1.1\r\nAccept-Encoding: identity\r\nHost: test\r\n\
         User-Agent: Python-urllib/3.13\r\nConnection: close\r\n\r\n",
    ),
    (
        "the ALB's health check",
        "GET / HTTP/1.1\r\nHost: 10.0.2.10:8080\r\nConnection: close\r\n\
         User-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n\r\n",
    ),
    (
        "a client with a proxy of its own",
        "GET http://test/ HTTP/1.1\r\nHost: test\r\nVia: 1.1 proxy\r\n\
         X-Forwarded-For: 192.0.2.1, 2001:db8::1\r\n\r\n",
    ),
];

/// Heads without their `Host`, which the tests add, unless they end with an empty line.
pub const STRANGERS: &[(&str, &[&str])] = &[
    (
        "no `Host`, several, an invalid one; an invalid target",
        &[
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
            "GET * HTTP/1.1",
            "GET a HTTP/1.1",
            "GET /a#b HTTP/1.1",
        ],
    ),
    (
        "a byte above 0x7f",
        &[
            "GET / HTTP/1.1\r\nCookie: gr\u{fc}n=\u{1f34f}",
            "GET /\u{fc} HTTP/1.1",
        ],
    ),
    (
        "an upgrade; words behind the version",
        &[
            "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c",
            "GET / HTTP/1.1 x",
        ],
    ),
    (
        "GET or HEAD with a body, of whatever length",
        &[
            "GET / HTTP/1.1\r\nContent-Length: 100000",
            "HEAD / HTTP/1.1\r\nContent-Length: 100000",
            "GET / HTTP/1.1\r\nContent-Length: 100000\r\nConnection: upgrade\r\nUpgrade: h2c",
            "GET / HTTP/1.1\r\nContent-Length: 8000000000",
            "GET / HTTP/1.1\r\nContent-Length: 1000000000000000",
            "GET / HTTP/1.1\r\nContent-Length: 4611686018427387904",
            "HEAD / HTTP/1.1\r\nContent-Length: 9223372036854775807",
            "GET / HTTP/1.1\r\nContent-Length: 18446744073709551615",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked",
            "HEAD / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked",
            "GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        ],
    ),
    (
        "any other method, with a body or without",
        &[
            "POST / HTTP/1.1\r\nContent-Length: 100000",
            "POST / HTTP/1.1\r\nContent-Length: 1000000000000000",
            "POST / HTTP/1.1\r\nContent-Length: 1000\r\nExpect: 100-continue",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
            "DELETE / HTTP/1.1",
            "TRACE / HTTP/1.1",
            "!#$%&'*+-.^_`|~ / HTTP/1.1",
        ],
    ),
    (
        "`Expect` with another value than `100-continue`",
        &["GET / HTTP/1.1\r\nExpect: x"],
    ),
    (
        "`Content-Length: 0`",
        &["GET / HTTP/1.1\r\nContent-Length: 0"],
    ),
    (
        "a coding other than chunked; a field name that is no token",
        &[
            "POST / HTTP/1.1\r\nTransfer-Encoding: identity",
            "GET / HTTP/1.1\r\nTransfer-Encoding: identity",
            "GET / HTTP/1.1\r\nX(1): y",
            "GET / HTTP/1.1\r\nX : y",
            "GET / HTTP/1.1\r\n: y",
        ],
    ),
    (
        "a control character in a value, other than NUL, CR or LF",
        &["GET / HTTP/1.1\r\nX: a\x0bb", "GET / HTTP/1.1\r\nX: a\x7fb"],
    ),
    (
        "white space before a line, or LF without CR after it",
        &[
            "GET / HTTP/1.1\r\nX: y\r\n Z: y",
            "GET / HTTP/1.1\r\nX: y\r\n Transfer-Encoding: chunked",
            "GET / HTTP/1.1\r\nHost: test\n\r\n\r\n",
            "GET / HTTP/1.1\nHost: test\r\n\r\n",
        ],
    ),
    (
        "lengths that disagree or are not numbers; NUL or CR in a value",
        &[
            "GET / HTTP/1.1\r\nContent-Length: +2000",
            "POST / HTTP/1.1\r\nContent-Length: 36x",
            "GET / HTTP/1.1\r\nContent-Length: -1",
            "POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 36",
            "GET / HTTP/1.1\r\nContent-Length: 18446744073709551616",
            "GET / HTTP/1.1\r\nX: a\0b",
            "GET / HTTP/1.1\r\nX: a\rb",
        ],
    ),
    (
        "an obscured coding",
        &["POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding:\x0bchunked"],
    ),
];

/// A request with a body, over which tiny_http would panic: it sorts the codings by their weights,
/// and these have no order.
pub fn with_unordered_codings(body: &str) -> String {
    let codings = "a;q=nan,a;q=0.1,a;q=0.9,".repeat(14);
    format!("POST / HTTP/1.1\r\nHost: test\r\nTE: {codings}\r\n{body}\r\n\r\n")
}
