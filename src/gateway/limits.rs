//! Every limit on what a client may take, and why it is what it is.

use std::time::Duration;

/// Longest head of a request, in bytes. An ALB lets 64 kB through.
pub const HEAD: usize = 80 * 1024;

/// Most fields in a head. The original program takes 99, browsers send some 20.
pub const FIELDS: usize = 128;

/// How long a head may take from its first byte.
pub const HEAD_TIME: Duration = Duration::from_secs(10);

/// Connections that are closed in one turn of the loop because their time is over.
pub const EXPIRED: usize = 64;

/// How long a client may take to read a response that its socket's send buffer does not hold.
pub const RESPONSE_TIME: Duration = Duration::from_secs(10);

/// How long the rest of what a refused client sends is read and discarded, so that a reset does not
/// destroy the response (RFC 9112, section 9.6).
pub const LINGER_TIME: Duration = Duration::from_secs(1);

/// What the kernel keeps unsent for a client, in bytes: more than a page, and much less than the 4 MB that
/// it would grow to for each of those who pipeline requests and do not read (tcp(7), `tcp_wmem`).
pub const UNSENT: u32 = 16 * 1024;

/// What is kept of incomplete or pipelined requests and unread responses, in bytes, for all
/// clients together. A request that arrives in one piece needs none of it.
pub const KEPT: usize = 64 << 20;

/// Descriptors that are not for clients: the log, signals, systemd, tiny_http, and what libraries
/// open for a moment.
pub const RESERVED_DESCRIPTORS: usize = 64;

/// Connections accepted in one turn of the loop, so that a flood of them delays no request.
pub const ACCEPTED: usize = 64;

/// Requests that may wait for tiny_http, which keeps some 1.5 kB for each. Others stay unread.
pub const WAITING: usize = 1024;

/// Longer requests go to tiny_http one at a time, in bytes as they are forwarded. It takes some 20 us for each kB of them, so that
/// others would wait for seconds behind a thousand of the longest, and 250 MB would be taken.
pub const LARGE: usize = 4 * 1024;

/// Time between two looks at deadlines.
pub const TICK: Duration = Duration::from_millis(250);

/// How often the oldest waiting request may be the same at a tick until the service is given up: 5 s.
/// Counted in ticks, because the clock goes on while the process is stopped.
pub const LATE: u32 = 20;

/// How long a stopping service goes on answering at most.
pub const DRAIN_TIME: Duration = Duration::from_millis(800);

/// How long nothing must have arrived until a stopping service is done.
pub const QUIET: Duration = Duration::from_millis(200);
