//! The machine and its operator: the socket, the log, signals, systemd, and how the process ends.
//!
//! To change where the service listens, go to `listener`; how lines are written, to `logging`; what
//! `systemctl status` shows, to `systemd`; exit statuses and panics, to `exit`.

pub mod exit;
pub mod listener;
pub mod logging;
pub mod signals;
pub mod systemd;
