//! The machine and its operator: the socket, the log, signals, systemd, and how the process ends.
//!
//! `listener` opens the socket, `logging` writes the log, `signals` waits for SIGTERM, `systemd`
//! notifies the service manager, `exit` has the exit statuses and the panic policy.

pub mod exit;
pub mod listener;
pub mod logging;
pub mod signals;
pub mod systemd;
