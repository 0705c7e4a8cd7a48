//! Bodies as they arrive. A request takes its place among those under way when it is here: a client
//! that sends slowly must not keep others out.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::error::{ApiError, Result};
use crate::options::Limits;

/// A body of up to this many bytes always has room, so that large ones keep out no searches.
const SMALL: usize = 64 << 10;

/// How many of the largest bodies are held at a time.
const LARGE: usize = 16;

/// Room for bodies beyond [`SMALL`], in bytes.
pub(crate) fn room(limits: &Limits) -> Semaphore {
    let bytes = limits.body.saturating_mul(LARGE);
    Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))
}

/// Reads the body of a request. The permit is for its bytes.
pub(crate) async fn read<'a>(
    request: Request,
    limits: &Limits,
    room: &'a Semaphore,
) -> Result<(Request, Option<SemaphorePermit<'a>>)> {
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok((Request::from_parts(head, body), None));
    }
    let Ok(read) = timeout(limits.idle, all(body, limits.body, room)).await else {
        let message = "the body took too long to come; send less at a time";
        let status = StatusCode::REQUEST_TIMEOUT;
        return Err(ApiError::new(status, "slow_body", message));
    };
    let (bytes, held) = read?;
    Ok((Request::from_parts(head, Body::from(bytes)), held))
}

async fn all(
    mut body: Body,
    most: usize,
    room: &Semaphore,
) -> Result<(Vec<u8>, Option<SemaphorePermit<'_>>)> {
    let too_large = || ApiError::of_status(StatusCode::PAYLOAD_TOO_LARGE);
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let (mut bytes, mut held): (Vec<u8>, Option<SemaphorePermit<'_>>) = (Vec::new(), None);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| ApiError::of_status(StatusCode::BAD_REQUEST))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let before = bytes.len().max(SMALL);
        let after = bytes.len() + data.len();
        if after > most {
            return Err(too_large());
        }
        if after > before {
            let more = u32::try_from(after - before).unwrap_or(u32::MAX);
            let more = room.try_acquire_many(more);
            let more = more.map_err(|_| ApiError::busy("too many large bodies arrive"))?;
            match &mut held {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
        }
        bytes.extend_from_slice(&data);
    }
    Ok((bytes, held))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(body: usize) -> Limits {
        Limits {
            body,
            ..Limits::default()
        }
    }

    fn post(bytes: usize) -> Request {
        Request::new(Body::from(vec![b' '; bytes]))
    }

    #[tokio::test]
    async fn large_bodies_share_their_room_and_small_ones_need_none() {
        let limits = limits(100 << 10);
        let room = room(&limits);
        let mut held = Vec::new();
        let full = loop {
            match read(post(100 << 10), &limits, &room).await {
                Ok((_, permit)) => held.push(permit),
                Err(error) => break error,
            }
        };
        assert_eq!(full.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(held.len() >= LARGE);
        assert!(read(post(SMALL), &limits, &room).await.is_ok());
        held.pop();
        assert!(read(post(100 << 10), &limits, &room).await.is_ok());
        held.clear();
        assert_eq!(room.available_permits(), LARGE * (100 << 10));
    }

    #[tokio::test]
    async fn bodies_come_whole_or_are_too_large() {
        let limits = limits(1000);
        let room = room(&limits);
        let (request, held) = read(post(1000), &limits, &room).await.unwrap();
        assert_eq!(request.into_body().size_hint().exact(), Some(1000));
        assert!(held.is_none());
        let large = read(post(1001), &limits, &room).await.unwrap_err();
        assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
