//! What the tests share: the real program on a free port, and plain HTTP over a socket.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod activation;
pub mod haproxy;
pub mod requests;

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// The longest that anything in these tests may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The program with a clean environment.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_publicip-poc"));
    command.env_clear().args(arguments).stdin(Stdio::null());
    command
}

/// The running program; killed when the test ends.
pub struct Program {
    pub address: SocketAddr,
    child: Child,
    log: Receiver<String>,
}

impl Program {
    /// Starts the program on a free IPv4 port and waits until it listens.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), arguments)
    }

    /// Starts the program on `address`, port 0 for one that is free, and waits until it listens.
    pub fn start_at(address: SocketAddr, arguments: &[&str]) -> Self {
        let listen = address.to_string();
        let mut command = command(&["--listen", &listen]);
        Self::spawn(command.args(arguments), address)
    }

    /// Starts a prepared command that is to serve at `address`, and waits until its log says that it listens.
    pub fn spawn(command: &mut Command, address: SocketAddr) -> Self {
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = lines(child.stderr.take().expect("piped"));
        let mut program = Self {
            address,
            child,
            log,
        };
        let started = program
            .log_line(" listens on ")
            .expect("the program said that it listens");
        let (_, said) = started.split_once(" listens on ").expect("just seen");
        let (said, _) = said.split_once(';').expect("an address");
        program
            .address
            .set_port(said.parse::<SocketAddr>().expect("an address").port());
        program
    }

    /// The process's identifier.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of the log that has `part` in it.
    pub fn log_line(&self, part: &str) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left).ok()?;
            if line.contains(part) {
                return Some(line);
            }
        }
    }

    /// What is left of the log once the program has ended.
    pub fn rest_of_log(&self) -> Vec<String> {
        self.log.iter().collect()
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let status = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .expect("kill runs");
        assert!(status.success(), "kill -s {name} {id}");
    }

    /// Stops the program, and waits until each of its threads has stopped (proc_pid_stat(5)), so that
    /// whatever comes before SIGCONT is there at once when it goes on.
    pub fn pause(&self) {
        self.signal("STOP");
        let deadline = Instant::now() + PATIENCE;
        while !self.all_threads_are_stopped() {
            assert!(Instant::now() < deadline, "the program does not stop");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn all_threads_are_stopped(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.id())).expect("its threads");
        threads.flatten().all(|thread| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.contains(") T ")
        })
    }

    /// Waits for the program's end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a child to wait for") {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the program does not end");
    }

    /// Whether the program still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child to look at").is_none()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines as they come, so that the program never waits for its reader.
pub fn lines(stderr: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

/// The requests in `tests/golden`, and the path of the page that the original program answers each with.
pub fn golden() -> Vec<(Vec<u8>, PathBuf)> {
    let folder = fs::read_dir("tests/golden").expect("the folder");
    let paths = folder.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "request"))
        .map(|path| {
            let request = fs::read(&path).expect("a request");
            (request, path.with_extension("html"))
        })
        .collect()
}

/// A connection with time limits.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// The same from this address, port 0 for one that is free.
pub fn connect_from(client: SocketAddr, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&client.into())?;
    socket.connect(&address.into())?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket.into())
}

/// One response as it stood on the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    pub status: u16,
    /// The field lines, without the status line.
    pub fields: Vec<(String, String)>,
    pub content: String,
}

impl Response {
    /// The value of a field, whatever the case of its name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let field = self
            .fields
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.as_str())
    }

    /// Reads the next response; `None` at the end of the connection.
    pub fn read(from: &mut impl BufRead, head_only: bool) -> Option<Self> {
        let mut line = String::new();
        let mut next = |from: &mut dyn BufRead| {
            line.clear();
            match from.read_line(&mut line) {
                Ok(_) => line.trim_end().to_owned(),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => String::new(),
                Err(error) => panic!("no response: {error}"),
            }
        };
        let status_line = next(from);
        let status = status_line
            .split(' ')
            .nth(1)?
            .parse()
            .expect("a status code");
        let mut fields = Vec::new();
        loop {
            let line = next(from);
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut response = Self {
            status,
            fields,
            content: String::new(),
        };
        let length = response
            .field("Content-Length")
            .map(|length| length.parse().expect("a length"));
        let mut content = vec![0; if head_only { 0 } else { length.unwrap_or(0) }];
        from.read_exact(&mut content)
            .expect("the content that was declared");
        response.content = String::from_utf8(content).expect("UTF-8");
        Some(response)
    }
}

/// Sends `request` on a new connection and reads its first response.
pub fn exchange(address: SocketAddr, request: &(impl AsRef<[u8]> + ?Sized)) -> Response {
    let request = request.as_ref();
    let mut stream = connect(address);
    stream.write_all(request).expect("the request is sent");
    let head_only = request.starts_with(b"HEAD ");
    Response::read(&mut BufReader::new(stream), head_only).expect("a response")
}

/// Sends a GET for `/` with these field lines.
pub fn get(address: SocketAddr, fields: &[&str]) -> Response {
    let lines = [&["GET / HTTP/1.1", "Host: test"], fields, &["", ""]].concat();
    exchange(address, &lines.join("\r\n"))
}
