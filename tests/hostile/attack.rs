//! What an attacker does on many connections: data, and the loop that carries it out.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

/// How long connecting may take, and sending the first bytes.
const CONNECT: Duration = Duration::from_secs(2);
const SEND: Duration = Duration::from_millis(200);

/// How often an attacker that is slow on purpose does something.
const PERIOD: Duration = Duration::from_millis(100);

/// An attack on many connections.
pub struct Attack {
    /// Connections, and how many of them are opened in a second.
    pub connections: usize,
    pub a_second: usize,
    /// What is sent on them, in turn.
    pub send: Vec<Request>,
    pub then: Then,
    /// How long it lasts until the honest clients have seen enough. It goes on after that.
    pub seconds: u64,
}

/// Bytes, and what the start of the answer must contain; empty if there need not be one.
pub type Request = (Vec<u8>, &'static str);

/// What is done with a connection afterwards.
pub enum Then {
    /// It is kept, and not read.
    Hold,
    /// The same, and the program must have closed it after those seconds.
    Ends,
    /// It is closed.
    Close,
    /// It is reset.
    Reset,
    /// These bytes are sent over and over, as fast as possible, on a new connection where necessary.
    Repeat(Vec<u8>),
    /// These bytes are sent every [`PERIOD`].
    Send(&'static [u8]),
    /// As many bytes are read every [`PERIOD`].
    Read(usize),
}

/// A connection, and what the start of the answer must contain.
type Connection = (TcpStream, &'static str);

impl Attack {
    /// Attacks until the process is killed. `report` is told once what is wrong with the answers.
    pub fn run(&self, address: SocketAddr, report: impl FnOnce(Option<String>)) -> ! {
        let begin = Instant::now();
        let mut report = Some(report);
        let mut open = Vec::new();
        let mut opened = 0;
        let mut next = begin;
        let is_fast = matches!(self.then, Then::Repeat(_));
        loop {
            let time = usize::try_from(begin.elapsed().as_millis()).unwrap_or(usize::MAX);
            let due = time.saturating_mul(self.a_second) / 1000;
            while opened < due.min(self.connections) {
                open.extend(self.open(address, opened));
                opened += 1;
            }
            if is_fast || next <= Instant::now() {
                next += PERIOD;
                for (stream, _) in &mut open {
                    self.go_on(stream, address);
                }
            }
            let is_due = begin.elapsed().as_secs() >= self.seconds;
            if let Some(report) = report.take_if(|_| is_due) {
                report(self.judge(&mut open));
            }
            if !is_fast {
                thread::sleep(Duration::from_millis(2));
            }
        }
    }

    /// Opens a connection, and keeps it unless it is to be closed.
    fn open(&self, address: SocketAddr, number: usize) -> Option<Connection> {
        let (bytes, answer) = &self.send[number % self.send.len()];
        let stream = connect(address, bytes)?;
        if matches!(self.then, Then::Reset) {
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
        let is_kept = !matches!(self.then, Then::Close | Then::Reset);
        is_kept.then_some((stream, *answer))
    }

    fn go_on(&self, stream: &mut TcpStream, address: SocketAddr) {
        match &self.then {
            Then::Repeat(bytes) => match stream.write(bytes) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => {
                    if let Some(another) = connect(address, &self.send[0].0) {
                        *stream = another;
                    }
                }
                _ => {}
            },
            // What does not go is not sent.
            Then::Send(bytes) => drop(stream.write(bytes)),
            Then::Read(count) => drop(stream.read(&mut vec![0; *count])),
            Then::Hold | Then::Ends | Then::Close | Then::Reset => {}
        }
    }

    /// What is wrong with the answers, or with how the connections end.
    fn judge(&self, open: &mut [Connection]) -> Option<String> {
        let answers = self.send.iter().any(|(_, answer)| !answer.is_empty());
        if answers && open.len() < self.connections {
            return Some(format!(
                "{} connections of {}",
                open.len(),
                self.connections
            ));
        }
        let mut buffer = [0; 4096];
        let wrong = open.iter_mut().find_map(|(stream, answer)| {
            let count = stream.read(&mut buffer).unwrap_or(0);
            let start = String::from_utf8_lossy(&buffer[..count]);
            let line = start.lines().next().unwrap_or_default();
            (!start.contains(*answer)).then(|| format!("{line:?} instead of {answer:?}"))
        });
        if wrong.is_some() || !matches!(self.then, Then::Ends) {
            return wrong;
        }
        let mut write = || {
            let writes = open.iter_mut().map(|(stream, _)| stream.write(b"x"));
            writes.flatten().count()
        };
        // The first write to a closed connection is answered with a reset, on which the next fails.
        write();
        thread::sleep(PERIOD);
        let left = write();
        (left > 0).then(|| format!("{left} connections have not ended"))
    }
}

/// A connection that does not block, on which this was sent, or as much of it as goes.
fn connect(address: SocketAddr, bytes: &[u8]) -> Option<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT).ok()?;
    stream.set_write_timeout(Some(SEND)).ok()?;
    let _ = stream.write_all(bytes);
    stream.set_nonblocking(true).ok()?;
    Some(stream)
}
