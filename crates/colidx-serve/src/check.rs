//! Asks a service whether it is ready: for health checks where there is no other client.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long the answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether the service that listens on `address` is ready. An address that stands for all of a
/// machine is asked at its loopback.
///
/// # Errors
/// Nobody answers.
pub fn is_ready(mut address: SocketAddr) -> io::Result<bool> {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    write!(
        socket,
        "GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )?;
    // The status stands at the start, as in `HTTP/1.1 200 OK`.
    let mut status = [0; 12];
    socket.read_exact(&mut status)?;
    Ok(status.ends_with(b" 200"))
}
