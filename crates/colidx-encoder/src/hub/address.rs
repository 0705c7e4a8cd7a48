//! Addresses of the hub and of its redirects.

use std::fmt;

use ureq::http::Uri;

/// Longest address in a redirect; signed ones take about 2,000 bytes.
const MAX_LENGTH: usize = 16 << 10;

/// An `http://` or `https://` address with a host. It never contains a user name or password.
#[derive(Clone, Debug)]
pub(super) struct Address {
    uri: Uri,
    origin: Origin,
}

/// Scheme, host and port: equal for addresses of the same server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

/// Why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not an http or https address, or one with a user name.
    Malformed,
    /// From https to http.
    Downgrade,
}

impl Address {
    /// Parses the address of a hub, and removes a user name and password.
    pub(super) fn of_hub(text: &str) -> Option<Address> {
        let text = text.trim_end_matches('/');
        if text.contains(['?', '#']) {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let path = uri.path().trim_end_matches('/');
        let authority = uri.authority()?.as_str();
        let host = authority.rsplit('@').next()?;
        // A password containing a slash would be parsed as part of the path, and shown.
        if path.contains('@') {
            return None;
        }
        Address::parse(&format!("{}://{host}{path}", uri.scheme_str()?))
    }

    fn parse(text: &str) -> Option<Address> {
        let uri: Uri = text.parse().ok()?;
        let secure = match uri.scheme_str()?.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        let host = authority.host().to_ascii_lowercase();
        let default = if secure { 443 } else { 80 };
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" => default,
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        if host.is_empty() {
            return None;
        }
        let origin = Origin { secure, host, port };
        Some(Address { uri, origin })
    }

    pub(super) fn uri(&self) -> Uri {
        self.uri.clone()
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The address of `path`, which begins with a slash, relative to this one.
    pub(super) fn below(&self, path: &str) -> Option<Address> {
        Address::parse(&format!("{self}{path}"))
    }

    /// The target of a redirect from here to `location`.
    pub(super) fn redirected(&self, location: &[u8]) -> Result<Address, Refused> {
        let printable = location.iter().all(u8::is_ascii_graphic);
        let location = str::from_utf8(location).unwrap_or("");
        if location.is_empty() || location.len() > MAX_LENGTH || !printable {
            return Err(Refused::Malformed);
        }
        let scheme = if self.origin.secure { "https" } else { "http" };
        let next = if location.starts_with("//") {
            Address::parse(&format!("{scheme}:{location}"))
        } else if location.starts_with('/') {
            let authority = self.uri.authority().map_or("", |a| a.as_str());
            Address::parse(&format!("{scheme}://{authority}{location}"))
        } else {
            Address::parse(location)
        };
        match next {
            None => Err(Refused::Malformed),
            Some(next) if self.origin.secure && !next.origin.secure => Err(Refused::Downgrade),
            Some(next) => Ok(next),
        }
    }
}

impl fmt::Display for Address {
    /// Leaves out the query, which may contain a signature.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.origin.secure { "https" } else { "http" };
        let authority = self.uri.authority().map_or("", |a| a.as_str());
        let path = self.uri.path().trim_end_matches('/');
        write!(f, "{scheme}://{authority}{path}")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// `text`, which need not be an address, without possible secrets: everything before the last `@`,
/// and the query.
pub(super) fn redacted(text: &str) -> String {
    let scheme = ["http://", "https://"].into_iter().find(|scheme| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let (scheme, rest) = text.split_at(scheme.map_or(0, str::len));
    // If both are present, a password cannot be told apart from a query.
    let (hidden, rest) = match (rest.rsplit_once('@'), rest.split_once(['?', '#'])) {
        (Some(_), Some(_)) => ("***", ""),
        (Some((_, rest)), None) => ("***@", rest),
        (None, Some((rest, _))) => ("", rest),
        (None, None) => ("", rest),
    };
    format!("{scheme}{hidden}{}", rest.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hub_addresses_are_parsed() {
        for (text, shown) in [
            ("https://hub.test", "https://hub.test"),
            ("https://hub.test/", "https://hub.test"),
            ("http://127.0.0.1:80//", "http://127.0.0.1:80"),
            (
                "https://hub.test/api/mirror/",
                "https://hub.test/api/mirror",
            ),
            ("HTTPS://user:secret@hub.test:1", "https://hub.test:1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            let address = Address::of_hub(text).unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}{}", address.uri()).contains("secret"));
            let below = address.below("/api/x").unwrap();
            assert_eq!(below.to_string(), format!("{shown}/api/x"));
        }
        for text in [
            "",
            "mirror",
            "mirror:80",
            "http://",
            "http://:80",
            "ftp://hub.test",
            "file:///etc/passwd",
            "http://hub.test:port",
            "http://hub.test:99999",
            "http://user:se/cret@hub.test",
            "http://user:8080/cret@hub.test",
            "http://hub.test/?token=secret",
            "http://hub.test#x",
        ] {
            assert!(Address::of_hub(text).is_none(), "{text}");
        }
    }

    #[test]
    fn redirects_stay_with_http_and_are_never_downgraded() {
        let address = Address::of_hub("https://hub.test/mirror").unwrap();
        let origin = address.origin();
        for (location, shown, same) in [
            ("/a/b?c=%2Fd", "https://hub.test/a/b", true),
            ("//other.test/a", "https://other.test/a", false),
            ("https://hub.test:443/a", "https://hub.test:443/a", true),
            ("https://HUB.test/a", "https://HUB.test/a", true),
            ("https://hub.test:444/a", "https://hub.test:444/a", false),
            ("https://hub.test./a", "https://hub.test./a", false),
            (
                "https://hub.test.evil.test/",
                "https://hub.test.evil.test",
                false,
            ),
            (
                "https://evil.test/hub.test",
                "https://evil.test/hub.test",
                false,
            ),
        ] {
            let next = address.redirected(location.as_bytes()).unwrap();
            assert_eq!(next.to_string(), shown);
            assert_eq!(next.origin() == origin, same, "{location}");
        }
        let refused = |location: &[u8]| address.redirected(location).unwrap_err();
        assert_eq!(refused(b"http://hub.test/a"), Refused::Downgrade);
        for location in [
            &b""[..],
            b"a/b",
            b"?a",
            b"file:///etc/passwd",
            b"ftp://hub.test/",
            b"javascript:alert(1)",
            b"https://hub.test@evil.test/",
            b"https://user:password@hub.test/",
            b"https://",
            b"https:///a",
            b"https://hub.test:0x1/",
            b"https://hub.test/a b",
            b"https://hub.test/\xff",
            b"https://hub.test/\x1b[31m",
        ] {
            assert_eq!(refused(location), Refused::Malformed, "{location:?}");
        }
        let long = format!("/{}", "a".repeat(MAX_LENGTH));
        assert_eq!(refused(long.as_bytes()), Refused::Malformed);
        let plain = Address::of_hub("http://hub.test").unwrap();
        let secure = plain.redirected(b"https://hub.test/").unwrap();
        assert_ne!(secure.origin(), plain.origin());
    }

    #[test]
    fn text_before_an_at_sign_is_redacted() {
        for text in [
            "http://user:secret@host",
            "HTTPS://secret@host",
            "http://user:se@cret@host",
            "http://user:secret/x@host",
            "http://user:secret?x@host",
            "http://user:secret#x@host",
            "user:secret@host",
            "user:secret://x@host",
            "ftp://user:secret@host",
            "http://host?token=secret",
            "http://host/?a=b@secret?",
        ] {
            let shown = redacted(text);
            assert!(!shown.contains("secret"), "{text}: {shown}");
        }
        assert_eq!(redacted("http://user:p@host:1/x"), "http://***@host:1/x");
        assert_eq!(redacted("https://host/x"), "https://host/x");
    }
}
