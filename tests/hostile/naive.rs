//! The obvious service, which nobody should run: proof that the attacks are real.
//!
//! It answers as the product does, as far as the bystanders look, and defends itself in no way.

use std::thread;

use listenfd::ListenFd;
use tiny_http::{Response, Server};

/// Serves on the socket that was handed over until the process is killed.
pub fn serve() -> ! {
    let listener = ListenFd::from_env()
        .take_tcp_listener(0)
        .expect("a TCP socket")
        .expect("a socket");
    let server: &Server = Box::leak(Box::new(
        Server::from_listener(listener, None).expect("a server"),
    ));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    eprintln!("{}", request.url());
                    let client = request
                        .headers()
                        .iter()
                        .find(|header| header.field.equiv("X-Forwarded-For"))
                        .and_then(|header| header.value.as_str().split(',').next())
                        .unwrap_or_default();
                    let page = format!("green;\">{client}</span></html>");
                    let _ = request.respond(Response::from_string(page));
                }
            })
        })
        .collect();
    // One that ended leaves the others and a process that looks alive.
    for worker in workers {
        let _ = worker.join();
    }
    loop {
        thread::park();
    }
}
