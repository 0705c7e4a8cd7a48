//! What is shared between threads can be.

use colidx_core::storage::{Bytes, Memory, Storage};
use colidx_core::*;

fn send_and_sync<T: Send + Sync + ?Sized>() {}

fn send<T: Send>() {}

#[test]
fn public_types_are_send_and_sync() {
    send_and_sync::<Index>();
    send_and_sync::<Query>();
    send_and_sync::<SearchOptions>();
    send_and_sync::<SearchResults>();
    send_and_sync::<Hit>();
    send_and_sync::<TokenMatch>();
    send_and_sync::<DocId>();
    send_and_sync::<Document>();
    send_and_sync::<IndexInfo>();
    send_and_sync::<Directory>();
    send_and_sync::<Bytes>();
    send_and_sync::<Memory>();
    send_and_sync::<dyn Storage>();
    send_and_sync::<BuildOptions>();
    send_and_sync::<WriterOptions>();
    send_and_sync::<RetrainOptions>();
    send_and_sync::<NewDocument<'_>>();
    send_and_sync::<VectorBatch>();
    send_and_sync::<CommitReport>();
    send_and_sync::<ModelInfo>();
    send_and_sync::<CancelToken>();
    send_and_sync::<Error>();
    send_and_sync::<Unfinished>();
}

/// One writer works at a time, wherever it is moved to.
#[test]
fn a_writer_can_be_moved_to_another_thread() {
    send::<IndexWriter>();
}
