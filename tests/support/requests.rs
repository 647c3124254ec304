//! Requests of every kind, how each is answered, and which of an ALB's modes let it through.

use Answer::{Closes, Persists, Refused};
use Mode::{Defensive, Monitor, Strictest};

/// The status of an answer, and what the connection does after it.
#[derive(Clone, Copy)]
enum Answer {
    Persists(u16),
    Closes(u16),
    /// It closes although the client may still be sending, for this reason.
    Refused(u16, &'static str),
}

/// The strictest mode of an ALB (`routing.http.desync_mitigation_mode`) that lets a request through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    Strictest,
    Defensive,
    Monitor,
}

/// One request.
pub struct Row {
    pub request: Vec<u8>,
    pub mode: Mode,
    pub status: u16,
    pub persists: bool,
    /// Why it is refused.
    pub reason: Option<&'static str>,
}

/// All of them. What does not end with LF gets `Host: test` and an empty line.
pub fn all() -> impl Iterator<Item = Row> {
    let end = b"\r\nHost: test\r\n\r\n";
    let fields = |count: usize| ["GET / HTTP/1.1", &"\r\nX:".repeat(count - 1)].concat();
    let long = |size: usize| {
        let start = "GET / HTTP/1.1\r\nX-Forwarded-For: ";
        [start, &"x".repeat(size - start.len() - end.len())].concat()
    };
    let too_many = Refused(431, "The request has more than 128 fields.");
    let too_long = Refused(431, "The request is longer than 80 kB.");
    let at_a_limit = [
        (Persists(200), fields(128)),
        (too_many, fields(129)),
        (Persists(200), long(80 << 10)),
        (too_long, long((80 << 10) + 1)),
    ];
    let at_a_limit = at_a_limit.map(|(answer, request)| (answer, Strictest, request.into()));
    let rows = TABLE.iter().flat_map(|(answer, mode, requests)| {
        let row = |request: &&[u8]| (*answer, *mode, request.to_vec());
        requests.iter().map(row)
    });
    rows.chain(at_a_limit)
        .map(move |(answer, mode, mut request)| {
            if request.last() != Some(&b'\n') {
                request.extend(end);
            }
            let (status, persists, reason) = match answer {
                Persists(status) => (status, true, None),
                Closes(status) => (status, false, None),
                Refused(status, reason) => (status, false, Some(reason)),
            };
            Row {
                request,
                mode,
                status,
                persists,
                reason,
            }
        })
}

#[rustfmt::skip] // As many requests a line as fit.
const TABLE: &[(Answer, Mode, Requests)] = &[
    // What well-known clients send: Chromium, Firefox, curl, curl --head, curl --http2, wget, Go, Python's requests and
    // urllib, the ALB's health check, a client with a proxy of its own.
    (Persists(200), Strictest, &[
        b"GET / HTTP/1.1\r\nHost: test\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\n\
            sec-ch-ua: \"Chromium\";v=\"139\", \"Not;A=Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\n\
            sec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) \
            AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36\r\nAccept: text/html,\
            application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
            application/signed-exchange;v=b3;q=0.7\r\nSec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n\
            Sec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\nAccept-Encoding: gzip, deflate\r\n\
            Accept-Language: en-US,en;q=0.9\r\nCookie: a=b; c=\"d e\"\r\n\r\n",
        b"GET /?a={b|c} HTTP/1.1\r\nHost: test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) \
            Gecko/20100101 Firefox/140.0\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
            Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\nDNT: 1\r\nSec-GPC: 1\r\n\
            Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\nPriority: u=0, i\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: curl/8.17.0\r\nAccept: */*\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: test:8080\r\nUser-Agent: curl/8.17.0\r\nAccept: */*\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: curl/8.17.0\r\nAccept: */*\r\n\
            Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: Wget/1.21.3\r\nAccept: */*\r\n\
            Accept-Encoding: identity\r\nConnection: Keep-Alive\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: python-requests/2.32.5\r\n\
            Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
        b"GET http://test/ HTTP/1.1\r\nHost: test\r\nVia: 1.1 proxy\r\n\
            X-Forwarded-For: 192.0.2.1, 2001:db8::1\r\n\r\n",
    ]),
    (Closes(200), Strictest, &[
        b"GET / HTTP/1.1\r\nAccept-Encoding: identity\r\nHost: test\r\nUser-Agent: Python-urllib/3.13\r\n\
            Connection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 10.0.2.10:8080\r\nConnection: close\r\n\
            User-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n\r\n",
    ]),
    // What else a strict reader of the RFCs must serve, and what clients send although they should not.
    (Persists(200), Strictest, &[
        b"GET / HTTP/1.1", b"HEAD /%00?%0d%0a HTTP/1.1", b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\nX:y\r\nY: \t z\t \r\nZ:\r\n\r\n",
        b"GET HTTP://other/ HTTP/1.1", b"GET /{}|\\^`\"<>%zz HTTP/1.1", b"GET /gr\xc3\xbc\xdf\x80\xff HTTP/1.1",
        b"GET / HTTP/1.1\r\nCookie: gr\xc3\xbcn=\xf0\x9f\x8d\x8f",
        b"GET / HTTP/1.1\r\nCF-IPCity: S\xe3o Paulo\r\nX-Forwarded-For: \x80\xff",
        b"GET / HTTP/1.1\r\nExpect: 100-continue", b"GET / HTTP/1.1\r\nExpect: x",
        b"GET / HTTP/1.1\r\nTE: trailers\r\nTrailer: X",
        b"GET / HTTP/1.1\r\nTE: a;q=nan,a;q=0.1,a;q=0.9,a;q=nan,a;q=0.1,a;q=0.9,a;q=nan,a;q=0.1,a;q=0.9",
        b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", b"GET / HTTP/1.0\r\nConnection: x,\tKeep-Alive",
    ]),
    (Persists(200), Defensive, &[
        b"\r\nGET / HTTP/1.1", b"GET / HTTP/1.1\r\nContent-Length: 0", b"GET / HTTP/1.1\r\nContent-Length: 000",
    ]),
    (Closes(200), Strictest, &[
        b"GET / HTTP/1.0\r\n\r\n", b"HEAD / HTTP/1.0", b"GET / HTTP/1.0\r\nConnection: keep-alive, close",
        b"GET / HTTP/1.1\r\nConnection: x\r\nConnection: y , Close",
    ]),
    // Bodies.
    (Closes(200), Defensive, &[
        b"GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 2000", b"HEAD / HTTP/1.1\r\nContent-Length: 100000",
        b"GET / HTTP/1.1\r\nContent-Length: 36\r\nConnection: upgrade\r\nUpgrade: h2c",
        b"GET / HTTP/1.1\r\nContent-Length: 36\r\nExpect: 100-continue",
        b"GET / HTTP/1.1\r\nContent-Length: 1000000000000000",
        b"HEAD / HTTP/1.1\r\nContent-Length: 18446744073709551615",
        b"GET / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n\
            0;GET /behind HTTP/1.1\r\nHost: test\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
    ]),
    (Closes(200), Monitor, &[
        b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999",
    ]),
    // Other methods. HAProxy's default health check is the second of those that close.
    (Persists(204), Strictest, &[
        b"OPTIONS / HTTP/1.1", b"OPTIONS * HTTP/1.1",
    ]),
    (Closes(204), Strictest, &[
        b"OPTIONS * HTTP/1.0\r\n\r\n", b"OPTIONS / HTTP/1.0\r\n\r\n",
        b"OPTIONS / HTTP/1.1\r\nContent-Length: 36",
    ]),
    (Refused(405, "Only GET, HEAD and OPTIONS are answered."), Strictest, &[
        b"POST / HTTP/1.1\r\nContent-Length: 36", b"POST / HTTP/1.1\r\nContent-Length: 1000000000000000",
        b"POST / HTTP/1.1\r\nContent-Length: 1000\r\nExpect: 100-continue",
        b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na0\r\n\r\n",
        b"PUT / HTTP/1.1", b"PATCH / HTTP/1.1", b"DELETE / HTTP/1.1", b"TRACE / HTTP/1.1",
        b"CONNECT test:80 HTTP/1.1", b"BREW / HTTP/1.1", b"get / HTTP/1.1", b"!#$%&'*+-.^_`|~ / HTTP/1.1",
    ]),
    // RFC 9112, section 2.2: line ends.
    (Refused(400, "A line must end with CR and LF."), Defensive, &[
        b"GET / HTTP/1.1\nHost: test\n\n", b"GET / HTTP/1.1\nHost: test\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\n\r\n\r\n", b"GET / HTTP/1.1\r\nX: y\n Transfer-Encoding: chunked",
        b"GET / HTTP/1.1\r\nX: a\n X-Forwarded-For: 192.0.2.66",
    ]),
    // Sections 2.3 and 3: the version, the request line, and what is not HTTP: TLS, PROXY.
    (Refused(505, "The HTTP version must be 1.0 or 1.1."), Strictest, &[
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/2.0",
    ]),
    (Refused(505, "The HTTP version must be 1.0 or 1.1."), Defensive, &[
        b"GET / HTTP/1.2", b"GET / HTTP/0.9",
    ]),
    (Refused(400, "The request line is not valid."), Strictest, &[
        b"GET / http/1.1", b"GET / HTTPS/1.1", b"GET / HTTP/1.1 x", b"GET / HTTP/1.1\rX: y", b"GET  HTTP/1.1",
        b" / HTTP/1.1",
    ]),
    (Refused(400, "The request line is not valid."), Defensive, &[
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04\0\x50GET / HTTP/1.1",
        b"\r\n\r\nGET / HTTP/1.1", b"\nGET / HTTP/1.1", b"GET /\r\n\r\n", b"GET / HTTP/1.1 ", b"GET HTTP/1.1",
        b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET /a b HTTP/1.1", b" GET / HTTP/1.1",
        b"GET /a\x7fb HTTP/1.1",
    ]),
    (Refused(400, "The request line is not valid."), Monitor, &[
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\r\nGET / HTTP/1.1", b"\0", b"\rGET / HTTP/1.1",
        b"GET / HTTP/1", b"GET / HTTP/01.1", b"GET / HTTP/1.10", b"GET / HTTP/ 1.1", b"GET / HTTP/1.1\r",
        b"GET\t/\tHTTP/1.1", b"G\xc3\x89T / HTTP/1.1", b"GET /a\0b HTTP/1.1", b"GET /a\rb HTTP/1.1",
    ]),
    // Section 3.2: the target and Host.
    (Refused(400, "The request target is not valid."), Strictest, &[
        b"GET a HTTP/1.1", b"GET * HTTP/1.1", b"GET test:80 HTTP/1.1", b"GET /a#b HTTP/1.1",
        b"GET ftp://test/ HTTP/1.1",
    ]),
    (Refused(400, "There must be one Host field."), Strictest, &[
        b"GET / HTTP/1.1\r\n\r\n", b"GET http://test/ HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: test",
        b"GET / HTTP/1.0\r\nhost: other",
    ]),
    (Refused(400, "The Host is not valid."), Strictest, &[
        b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: gr\xfcn\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a[b\r\n\r\n",
    ]),
    // Section 5: names, and folded lines, which would become fields of their own.
    (Refused(400, "A field name is not valid."), Defensive, &[
        b"GET / HTTP/1.1\r\nX", b"GET / HTTP/1.1\r\n: y", b"GET / HTTP/1.1\r\nX(1): y",
        b"GET / HTTP/1.1\r\nX : y", b"GET / HTTP/1.1\r\nX\t: y", b"GET / HTTP/1.1\r\nX\xe4: y",
        b"GET / HTTP/1.1\r\nTransfer-Encoding : chunked", b"GET / HTTP/1.1\r\n X: y",
        b"GET / HTTP/1.1\r\nX: a\r\n b", b"GET / HTTP/1.1\r\nX: a\r\n\tb", b"GET / HTTP/1.1\r\nX: a\r\n ",
        b"GET / HTTP/1.1\r\nX: a\r\n X-Forwarded-For: 192.0.2.66",
        b"GET / HTTP/1.1\r\nX: a\r\n Transfer-Encoding: chunked",
    ]),
    (Refused(400, "A field name is not valid."), Monitor, &[
        b"GET / HTTP/1.1\r\nX\0: y",
    ]),
    // RFC 9110, section 5.5: values.
    (Refused(400, "A field value has a control character."), Defensive, &[
        b"GET / HTTP/1.1\r\nX: a\x0bb", b"GET / HTTP/1.1\r\nX: \x0bc\x0c", b"GET / HTTP/1.1\r\nX: \x7f",
        b"GET / HTTP/1.1\r\nX: \xe4\x1b",
    ]),
    (Refused(400, "A field value has a control character."), Monitor, &[
        b"GET / HTTP/1.1\r\n\rX: y", b"GET / HTTP/1.1\r\nX: a\0b", b"GET / HTTP/1.1\r\nX: a\rb",
        b"GET / HTTP/1.1\r\nHost: test\rX: y\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding:\x0bchunked",
    ]),
    // RFC 9112, sections 6.1 and 6.3: where a body ends.
    (Refused(400, "The Transfer-Encoding is not valid."), Strictest, &[
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip",
    ]),
    (Refused(400, "The Transfer-Encoding is not valid."), Defensive, &[
        b"GET / HTTP/1.1\r\nTransfer-Encoding: identity", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked",
        b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 0",
    ]),
    (Refused(400, "The Transfer-Encoding is not valid."), Monitor, &[
        b"GET / HTTP/1.1\r\nTransfer-Encoding:", b"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked",
    ]),
    (Refused(400, "The Content-Length is not valid."), Defensive, &[
        b"GET / HTTP/1.1\r\nContent-Length:",
    ]),
    (Refused(400, "The Content-Length is not valid."), Monitor, &[
        b"GET / HTTP/1.1\r\nContent-Length: a", b"GET / HTTP/1.1\r\nContent-Length: +36",
        b"GET / HTTP/1.1\r\nContent-Length: -1", b"POST / HTTP/1.1\r\nContent-Length: 36x",
        b"POST / HTTP/1.1\r\nContent-Length: 0x24", b"POST / HTTP/1.1\r\nContent-Length: 3 6",
        b"POST / HTTP/1.1\r\nContent-Length: 36, 36",
        b"POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 36",
        b"POST / HTTP/1.1\r\nContent-Length: 36\r\nContent-Length: 0",
    ]),
];

type Requests = &'static [&'static [u8]];
