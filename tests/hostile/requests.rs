//! The bytes that attackers send.

use crate::attack::Request;

/// A head that declares a body, which does not come.
pub const BODY: &str = "POST / HTTP/1.1\r\nContent-Length: 1000000000000000";

/// The beginning of a TLS connection.
pub const HELLO: &[u8] = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03";

const UPGRADE: &str = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

/// One request, whose answer does not matter.
pub fn only(bytes: impl Into<Vec<u8>>) -> Vec<Request> {
    vec![(bytes.into(), "")]
}

/// A request with these lines, `Host`, and an empty one.
pub fn head(lines: &str) -> Vec<u8> {
    format!("{lines}\r\nHost: test\r\n\r\n").into_bytes()
}

/// A GET.
pub fn simple() -> Vec<u8> {
    head("GET / HTTP/1.1")
}

/// A GET with these field lines.
pub fn get(fields: &str) -> Vec<u8> {
    head(&format!("GET / HTTP/1.1\r\n{fields}"))
}

/// A GET for a page of this many bytes: five for each `&`, twice.
pub fn page(bytes: usize) -> Vec<u8> {
    get(&format!("X-Forwarded-For: {}", "&".repeat(bytes / 10)))
}

/// A GET with next to as much as the balancer lets through.
pub fn long() -> Vec<u8> {
    let line = format!("X-Forwarded-For: {}", "x".repeat(15_000));
    get(&[&*line; 4].join("\r\n"))
}

/// A GET with next to as much as the program takes, of what costs it most.
pub fn above_ascii() -> Vec<u8> {
    get(&format!("X-Forwarded-For: {}", "\u{ff}".repeat(37_500)))
}

/// The beginning of a head, this long.
pub fn partial(bytes: usize) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(bytes)).into_bytes()
}

/// Bodies that are declared, and do not come.
pub fn declared() -> Vec<Request> {
    let lengths = [
        "1000000000000000",
        "8000000000",
        "4611686018427387904",
        "9223372036854775807",
    ];
    let declare = |length| {
        (
            head(&format!("POST / HTTP/1.1\r\nContent-Length: {length}")),
            " 405 ",
        )
    };
    lengths.map(declare).into()
}

/// Bodies that begin, and do not end.
pub fn begun() -> Vec<Request> {
    let bodies = [
        "Content-Length: 100000\r\n\r\nabc",
        "Content-Length: 1000\r\n\r\nabc",
        "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ];
    let begin = |rest| {
        (
            format!("POST / HTTP/1.1\r\nHost: test\r\n{rest}").into(),
            " 405 ",
        )
    };
    bodies.map(begin).into()
}

/// What a balancer lets through, and the answers.
pub fn odd() -> Vec<Request> {
    vec![
        (head("DELETE / HTTP/1.1"), " 405 "),
        (head("!#$%&'*+-.^_`|~ / HTTP/1.1"), " 405 "),
        (head("OPTIONS * HTTP/1.1"), " 204 "),
        (get(UPGRADE), " 200 "),
        (
            get("Cookie: gr\u{fc}n=\u{1f34f}\r\nX-Forwarded-For: S\u{e3}o Paulo"),
            " 200 ",
        ),
        (get("TE: a;q=nan,a;q=0.1,a;q=0.9,trailers"), " 200 "),
        (get(&["a:"; 1900].join("\r\n")), " 431 "),
        (get("Content-Length: 9\r\nExpect: x"), " 200 "),
    ]
}

/// Other protocols, other versions, and noise, and the answers.
pub fn nonsense() -> Vec<Request> {
    let requests: [(&[u8], _); 11] = [
        (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            " 505 ",
        ),
        (b"GET / HTTP/3.0\r\nHost: test\r\n\r\n", " 505 "),
        (HELLO, " 400 "),
        (b"GET /\r\n", " 400 "),
        (
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n\r\n",
            " 400 ",
        ),
        (b"\r\n\r\n\r\n\r\n", " 400 "),
        (b"\0\0\0\0\0\0\0\0", " 400 "),
        (b" / HTTP/1.1\r\n\r\n", " 400 "),
        (b"GET / HTTP/1.1\r\n: no name\r\n\r\n", " 400 "),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", " 400 "),
        (b"GET / HTTP/1.1\r\nHost: [\r\n\r\n", " 400 "),
    ];
    requests
        .map(|(bytes, answer)| (bytes.to_vec(), answer))
        .into()
}
