//! Bodies that are too long, too short, wrong, or slow.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use colidx_encoder::hub::{Fault, HubError, Progress};

use crate::place::Place;
use crate::server::{End, Files, ID, Reply, Request, Server, files, linked};

const WEIGHTS: &str = "model.safetensors";

/// A hub that applies `change` to its replies to requests for the weights.
fn changed(change: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static) -> Server {
    Server::new(
        move |request, reply, _| match request.file() == WEIGHTS && request.wants_body() {
            true => change(request, reply),
            false => reply,
        },
    )
}

fn weights() -> Vec<u8> {
    files()[WEIGHTS].clone()
}

/// Asserts that the fetch fails and leaves nothing of the answer; returns the fault.
#[track_caller]
fn refused(server: &Server) -> Fault {
    let place = Place::new();
    let error = place.fetch_checked(server).unwrap_err();
    assert!(!place.snapshot(WEIGHTS).exists());
    assert!(!place.part(WEIGHTS, &weights()).exists());
    assert!(!place.repository("refs/main").exists());
    match error {
        HubError::Answer { fault, .. } => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn bodies_of_the_wrong_length_are_refused() {
    let announced = weights().len() as u64;
    let endless = changed(|_, reply| reply.without("Content-Length").ends(End::Endless));
    assert_eq!(refused(&endless), Fault::Longer { announced });
    let mut longer = weights();
    longer.extend([0; 100]);
    let body = longer.clone();
    let silent = changed(move |_, _| Reply::new(200, &body).without("Content-Length"));
    assert_eq!(refused(&silent), Fault::Longer { announced });
    let body = longer.clone();
    let range = format!("bytes 0-{}/{announced}", announced - 1);
    let part = changed(move |_, _| {
        Reply::new(206, &body)
            .without("Content-Length")
            .with("Content-Range", range.clone())
    });
    assert_eq!(refused(&part), Fault::Longer { announced });
    let expected = announced;
    let body = longer.clone();
    let said = changed(move |_, _| Reply::new(200, &body));
    let got = longer.len() as u64;
    assert_eq!(refused(&said), Fault::Size { expected, got });
    let chunks = changed(|_, reply| {
        let mut body = b"20000\r\n".to_vec();
        body.extend([0; 0x20000]);
        body.extend(b"\r\n0\r\n\r\n");
        let mut reply = reply
            .without("Content-Length")
            .with("Transfer-Encoding", "chunked");
        reply.body = body;
        reply
    });
    assert_eq!(refused(&chunks), Fault::Longer { announced });
}

#[test]
fn contradicting_sizes_are_refused() {
    let expected = weights().len() as u64;
    for got in [0, 1, expected - 1, expected + 1, u64::MAX] {
        let linked_size = Server::new(move |request, reply, servers| {
            match request.file() == WEIGHTS && !servers.other_port.ends_with(&request.host) {
                true => linked(
                    &reply,
                    request,
                    format!("{}{}", servers.other_port, request.path),
                )
                .with("X-Linked-Size", got.to_string()),
                false => reply,
            }
        });
        let (expected, got) = (got, expected);
        if expected > 0 {
            assert_eq!(refused(&linked_size), Fault::Size { expected, got });
        } else {
            assert!(matches!(refused(&linked_size), Fault::Hash { .. }));
        }
    }
    for size in [
        "",
        "-1",
        "+5",
        "1e3",
        "0x10",
        "99999999999999999999",
        "many",
    ] {
        let server = Server::new(move |request, reply, _| match request.file() {
            WEIGHTS => reply.with("X-Linked-Size", size),
            _ => reply,
        });
        assert_eq!(refused(&server), Fault::NoSize, "{size}");
    }
    for range in [
        "",
        "bytes",
        "bytes */5",
        "bytes 5-4/100000",
        "bytes 0-99999/5",
        "items 0-1/2",
    ] {
        let server =
            changed(move |_, reply| Reply::new(206, &reply.body).with("Content-Range", range));
        assert_eq!(refused(&server), Fault::NoSize, "{range}");
    }
    let other = changed(|_, reply| {
        Reply::new(206, &reply.body).with("Content-Range", "bytes 0-99999/200000")
    });
    let got = 200_000;
    assert_eq!(refused(&other), Fault::Size { expected, got });
    let middle = changed(|_, reply| {
        Reply::new(206, &reply.body[10..]).with("Content-Range", "bytes 10-99999/100000")
    });
    assert_eq!(refused(&middle), Fault::Part { expected: 0 });
}

#[test]
fn wrong_bytes_of_the_right_length_are_refused() {
    for name in [
        WEIGHTS,
        "config.json",
        "tokenizer.json",
        "artifact.metadata",
    ] {
        let place = Place::new();
        let server = Server::new(move |request, mut reply, _| {
            if request.file() == name && request.wants_body() {
                let middle = reply.body.len() / 2;
                reply.body[middle] ^= 1;
            }
            reply
        });
        let error = place.fetch_checked(&server).unwrap_err();
        let HubError::Answer {
            fault: Fault::Hash { expected, got },
            ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert_ne!(expected, got);
        assert!(!place.snapshot(name).exists());
        assert!(!place.part(name, &files()[name]).exists());
    }
}

#[test]
fn partial_downloads_resume_or_restart() {
    let weights = weights();
    let wrong = vec![0; weights.len()];
    let longer = [&weights[..], &[0; 10]].concat();
    for (left, range) in [
        (&weights[..0], None),
        (&weights[..1], Some("bytes=1-")),
        (&weights[..99_999], Some("bytes=99999-")),
        (&weights[..], None),
        (&longer[..], None),
        (&wrong[..], None),
        (&wrong[..50_000], Some("bytes=50000-")),
    ] {
        let place = Place::new();
        place.write(&place.part(WEIGHTS, &weights), left);
        let server = Server::new(|_, reply, _| reply);
        place.fetch(&server).unwrap();
        place.is_whole(&files());
        let asked = server.asked();
        let bodies = asked
            .iter()
            .filter(|request| request.file() == WEIGHTS && request.wants_body());
        let ranges: Vec<_> = bodies.map(|request| request.range.as_deref()).collect();
        match left.len() {
            n if left == &weights[..] && n > 0 => assert!(ranges.is_empty(), "{ranges:?}"),
            n if n < weights.len() && left == &weights[..n] => assert_eq!(ranges, [range]),
            // The partial file is found to be corrupt, and the next attempt downloads everything.
            _ => assert_eq!(ranges.last(), Some(&None), "{ranges:?}"),
        }
        place.check(&server);
    }
}

#[test]
fn without_ranges_a_download_restarts() {
    for status in [200, 206, 416] {
        let place = Place::new();
        let weights = weights();
        place.write(&place.part(WEIGHTS, &weights), &weights[..5000]);
        let server = changed(move |request, reply| match (&request.range, status) {
            (Some(_), 200) => Reply::new(200, &weights),
            (Some(_), 206) => {
                Reply::new(206, &weights).with("Content-Range", "bytes 0-99999/100000")
            }
            (Some(_), _) => Reply::new(416, b""),
            (None, _) => reply,
        });
        place.fetch_checked(&server).unwrap();
        place.is_whole(&files());
    }
}

/// Runs `test` for each way in which a body may end, in parallel.
fn for_each_end(test: impl Fn(End) + Sync) {
    let test = &test;
    thread::scope(|scope| {
        for end in [End::Close, End::Stall, End::Trickle] {
            scope.spawn(move || test(end));
        }
    });
}

#[test]
fn a_broken_or_silent_connection_is_resumed() {
    for_each_end(|end| {
        let place = Place::impatient();
        let tries = AtomicUsize::new(0);
        let server = changed(
            move |_, reply| match tries.fetch_add(1, Ordering::Relaxed) {
                0 => reply.cut(30_000).ends(end),
                1 => reply.cut(20_000),
                _ => reply,
            },
        );
        place.fetch(&server).unwrap();
        place.is_whole(&files());
        let asked = server.asked();
        let bodies =
            (asked.iter()).filter(|request| request.file() == WEIGHTS && request.wants_body());
        let ranges: Vec<_> = bodies
            .map(|request| request.range.as_deref().unwrap_or(""))
            .collect();
        if end != End::Trickle {
            assert_eq!(ranges, ["", "bytes=30000-", "bytes=50000-"]);
        }
    });
}

#[test]
fn a_connection_that_always_breaks_is_given_up_and_resumed_later() {
    for_each_end(|end| {
        let place = Place::impatient();
        let server = changed(move |_, reply| reply.cut(1000).ends(end));
        let begin = Instant::now();
        let error = place.fetch(&server).unwrap_err();
        assert!(matches!(error, HubError::Network { .. }), "{error:?}");
        assert!(begin.elapsed() < Duration::from_secs(60));
        let part = fs::read(place.part(WEIGHTS, &weights())).unwrap();
        assert!(part.len() >= 1000 && part.len() < 10_000, "{}", part.len());
        // Wrong bytes that trickle in are detected in the end.
        assert!(end == End::Trickle || weights().starts_with(&part));
        place.check(&server);
        let server = Server::new(|_, reply, _| reply);
        place.fetch(&server).unwrap();
        place.is_whole(&files());
    });
}

#[test]
fn a_hub_that_never_answers_is_given_up() {
    for listed in [true, false] {
        let place = Place::impatient();
        let server = Server::new(move |request, reply, _| {
            if request.is_list() == listed {
                thread::sleep(Duration::from_secs(60));
            }
            reply
        });
        let begin = Instant::now();
        let error = place.fetch(&server).unwrap_err();
        assert!(matches!(error, HubError::Network { .. }), "{error:?}");
        assert!(begin.elapsed() < Duration::from_secs(30));
    }
}

#[test]
fn two_versions_are_never_mixed() {
    // From the second request on, the hub has another file of the same size under the same name.
    let mut new = weights();
    new.iter_mut().for_each(|byte| *byte ^= 0x55);
    let mut changed_files: Files = files();
    changed_files.insert(WEIGHTS.to_owned(), new.clone());
    let second = Server::of(changed_files.clone(), |_, reply, _| reply);
    let place = Place::new();
    let first = changed(|_, reply| reply.cut(10_000));
    place.fetch_checked(&first).unwrap_err();
    place.fetch_checked(&second).unwrap();
    place.is_whole(&changed_files);

    // The file changes between the request for its hash and the download.
    let place = Place::new();
    let etag = crate::server::etag(WEIGHTS, &new);
    let server = changed(move |_, reply| reply.with("ETag", format!("\"{etag}\"")));
    let error = place.fetch_checked(&server).unwrap_err();
    assert!(
        matches!(
            error,
            HubError::Answer {
                fault: Fault::Changed,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn sizes_may_be_missing_if_the_hash_matches() {
    let place = Place::new();
    let server = Server::new(|request, reply, servers| {
        let there = servers.other_port.ends_with(&request.host);
        match (request.file(), there) {
            (WEIGHTS, false) => linked(
                &reply,
                request,
                format!("{}{}", servers.other_port, request.path),
            )
            .without("X-Linked-Size"),
            (WEIGHTS, true) => Reply::new(200, &weights()).without("Content-Length"),
            _ => reply,
        }
    });
    place.fetch_checked(&server).unwrap();
    place.is_whole(&files());
}

#[test]
fn empty_files_are_fetched() {
    let mut files = files();
    files.insert("special_tokens_map.json".to_owned(), Vec::new());
    let server = Server::of(files.clone(), |_, reply, _| reply);
    let place = Place::new();
    place.fetch_checked(&server).unwrap();
    place.is_whole(&files);
}

/// Stops once bytes of the weights arrived.
#[derive(Default)]
struct Stop {
    name: String,
    stopped: bool,
}

impl Progress for Stop {
    fn file(&mut self, name: &str, _: u64) {
        name.clone_into(&mut self.name);
    }

    fn advance(&mut self, bytes: u64) {
        self.stopped |= self.name == WEIGHTS && bytes > 0;
    }

    fn cancelled(&self) -> bool {
        self.stopped
    }
}

#[test]
fn a_download_that_is_stopped_keeps_what_arrived() {
    let place = Place::new();
    let server = changed(|_, reply| Reply {
        body: reply.body[..1000].to_vec(),
        ..reply.ends(End::Trickle)
    });
    let id = ID.parse().unwrap();
    let error = place.hub(&server.endpoint).fetch(&id, &mut Stop::default());
    assert!(matches!(error, Err(HubError::Cancelled)), "{error:?}");
    let kept = fs::metadata(place.part(WEIGHTS, &weights())).unwrap().len();
    assert!(kept >= 1000 && kept < weights().len() as u64, "{kept}");
    assert!(
        place
            .fetch_checked(&Server::new(|_, reply, _| reply))
            .is_ok()
    );
}
