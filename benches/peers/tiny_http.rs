//! The same page from tiny_http as its documentation shows it: four threads that share a server,
//! and `respond`. What the guards of this project cost or save is measured against it.

use std::sync::Arc;
use std::thread;

use tiny_http::{Header, Request, Response, Server};

fn main() {
    let port = std::env::args().nth(1).expect("a port");
    let server = Server::http(format!("127.0.0.1:{port}")).expect("a free port");
    let server = Arc::new(server);
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let server = Arc::clone(&server);
            thread::spawn(move || {
                for request in server.incoming_requests() {
                    let html = Header::from_bytes("Content-Type", "text/html; charset=utf-8");
                    let response =
                        Response::from_string(page(&request)).with_header(html.expect("a field"));
                    let _ = request.respond(response);
                }
            })
        })
        .collect();
    for worker in workers {
        let _ = worker.join();
    }
}

fn page(request: &Request) -> String {
    let value = |name: &'static str| {
        let mut headers = request.headers().iter();
        let header = headers.find(|header| header.field.equiv(name));
        escape(header.map_or("Not set", |header| header.value.as_str()))
    };
    let forwarded_for = value("X-Forwarded-For");
    let original = forwarded_for.rsplit(',').next().unwrap_or_default().trim();
    let direct = request.remote_addr().expect("TCP").ip();
    format!(
        r#"<!DOCTYPE html>
<html>
<head>
    <title>PublicIP PoC - Original IP Test</title>
</head>
<body>
    <h1>PublicIP PoC - Client IP Detection</h1>
    <h2>Original Client IP: <span style="color: green;">{original}</span></h2>
    <h3>Direct Connection IP (ALB): {direct}</h3>
    
    <h3>HTTP Headers:</h3>
    <table border="1">
        <tr><th>Header</th><th>Value</th></tr>
        <tr><td>X-Forwarded-For</td><td>{forwarded_for}</td></tr>
        <tr><td>X-Forwarded-Proto</td><td>{}</td></tr>
        <tr><td>X-Forwarded-Port</td><td>{}</td></tr>
    </table>
</body>
</html>"#,
        value("X-Forwarded-Proto"),
        value("X-Forwarded-Port"),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#x27;")
}
