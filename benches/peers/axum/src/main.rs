//! The page on axum.

use axum::{Router, extract::ConnectInfo, http::HeaderMap, response::Html};
use std::{borrow::Cow, net::SocketAddr};

fn escape(value: &str) -> Cow<'_, str> {
    if !value.contains(['&', '<', '>', '"', '\'']) {
        return value.into();
    }
    let mut escaped = String::with_capacity(value.len() * 2);
    for c in value.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped.into()
}

async fn page(ConnectInfo(direct): ConnectInfo<SocketAddr>, headers: HeaderMap) -> Html<String> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(escape);
    let shown = |name| header(name).unwrap_or("Not set".into());
    let forwarded_for = header("x-forwarded-for");
    let original = forwarded_for
        .as_deref()
        .and_then(|value| value.split(',').next())
        .map_or("Not available", str::trim);
    Html(format!(
        r#"<!DOCTYPE html>
<html>
<head>
    <title>PublicIP PoC - Original IP Test</title>
</head>
<body>
    <h1>PublicIP PoC - Client IP Detection</h1>
    <h2>Original Client IP: <span style="color: green;">{original}</span></h2>
    <h3>Direct Connection IP (ALB): {}</h3>
    
    <h3>HTTP Headers:</h3>
    <table border="1">
        <tr><th>Header</th><th>Value</th></tr>
        <tr><td>X-Forwarded-For</td><td>{}</td></tr>
        <tr><td>X-Forwarded-Proto</td><td>{}</td></tr>
        <tr><td>X-Forwarded-Port</td><td>{}</td></tr>
    </table>
</body>
</html>"#,
        direct.ip(),
        shown("x-forwarded-for"),
        shown("x-forwarded-proto"),
        shown("x-forwarded-port"),
    ))
}

#[tokio::main]
async fn main() {
    let port = std::env::args().nth(1).expect("a port");
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("bind");
    let app = Router::new().fallback(page).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await.expect("serve");
}
