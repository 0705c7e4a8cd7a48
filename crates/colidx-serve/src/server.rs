//! The service: from a socket to its end.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;

use crate::app::{App, Writers};
use crate::log::Log;
use crate::options::{Options, ServeError};
use crate::{access, api, connections, guard, page};

/// How long a preflight answer may be remembered.
const PREFLIGHT: Duration = Duration::from_secs(3600);

/// How long the end of what is stopped is waited for.
const LAST: Duration = Duration::from_secs(5);

/// A service that listens.
pub struct Server {
    app: Arc<App>,
    writers: Writers,
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Opens indexes, each of `paths` one or a folder of them, and listens on `address`. Lines for
    /// the operator go to `log`. Checkpoints are opened in the background.
    ///
    /// # Errors
    /// An index cannot be opened, the address is taken, or it can be reached by others and
    /// no key is asked for.
    pub fn bind(
        paths: &[PathBuf],
        address: SocketAddr,
        options: Options,
        log: Log,
    ) -> Result<Server, ServeError> {
        let access = &options.access;
        if !address.ip().is_loopback() && !access.has_keys() && !access.no_auth {
            return Err(ServeError::Unprotected(address));
        }
        let _checked = cors(&options)?;
        let failed = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (app, writers) = App::open(paths, options, log)?;
        Ok(Server {
            app: Arc::new(app),
            writers,
            listener,
            address,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Names of the indexes that it serves.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.app.indexes.keys().map(String::as_str)
    }

    /// Serves until `stop`, finishes what is under way, and returns. What has not finished after
    /// [`Limits::grace`](crate::Limits::grace), or at a second `stop`, is dropped; commits are then
    /// rolled back.
    ///
    /// # Errors
    /// The system gives no threads or cannot wait for requests.
    pub fn run<S: Future<Output = ()> + Send + 'static>(
        self,
        stop: impl Fn() -> S,
    ) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(ServeError::setup("a runtime"))?;
        let Server {
            app,
            writers,
            listener,
            ..
        } = self;
        let served = runtime.block_on(serve(&app, &writers, listener, stop));
        // A computation is cancelled when its request is dropped.
        runtime.shutdown_timeout(LAST);
        writers.stop.cancel();
        // The last handles on the writers' queues.
        drop(app);
        let end = Instant::now() + LAST;
        let threads = writers.threads.iter();
        // A commit that the end of the process interrupts is as good as rolled back.
        while threads.clone().any(|thread| !thread.is_finished()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        served
    }
}

async fn serve<S: Future<Output = ()> + Send + 'static>(
    app: &Arc<App>,
    writers: &Writers,
    listener: TcpListener,
    stop: impl Fn() -> S,
) -> Result<(), ServeError> {
    let setup = ServeError::setup("the socket");
    let listener = tokio::net::TcpListener::from_std(listener).map_err(setup)?;
    let (router, limits) = (router(app)?, app.options.limits.clone());
    let (tell, mut told) = watch::channel(false);
    let stopped = async move {
        let _ = told.wait_for(|stop| *stop).await;
    };
    let serving = async move { connections::serve(listener, router, &limits, stopped).await };
    let mut serving = tokio::spawn(serving);
    tokio::select! {
        ended = &mut serving => return finished(ended),
        () = stop() => {}
    }
    app.stopping.store(true, Ordering::Relaxed);
    app.log.note("stopping: requests under way are finished");
    let _ = tell.send(true);
    tokio::select! {
        ended = &mut serving => return finished(ended),
        () = tokio::time::sleep(app.options.limits.grace) => {}
        () = stop() => {}
    }
    app.log.note("stopping now: what is under way is dropped");
    writers.stop.cancel();
    // Changes that were rolled back are still answered.
    let _ = tokio::time::timeout(Duration::from_secs(1), &mut serving).await;
    serving.abort();
    Ok(())
}

fn finished(ended: Result<(), tokio::task::JoinError>) -> Result<(), ServeError> {
    ended.map_err(|error| ServeError::Setup {
        what: "the service",
        reason: error.to_string(),
    })
}

/// All routes, behind what guards them. Layers that are added later stand before.
fn router(app: &Arc<App>) -> Result<Router, ServeError> {
    let with = |app: &Arc<App>| Arc::clone(app);
    let api::Routes {
        open,
        read,
        write,
        description,
    } = api::routes();
    #[cfg(feature = "mcp")]
    let read = read.route_service("/mcp", crate::mcp::service(app));
    let read = read
        .route_layer(from_fn_with_state(with(app), guard::limit_reads))
        .route_layer(from_fn_with_state(with(app), access::may_read));
    let write = write
        .route_layer(from_fn_with_state(with(app), guard::limit_writes))
        .route_layer(from_fn_with_state(with(app), access::may_write));
    let routes = open
        .merge(read)
        .merge(write)
        .merge(page::routes(&description))
        // Bodies have been read before, up to the limit.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(with(app), access::same_site))
        .layer(cors(&app.options)?)
        .layer(map_response(harden))
        .layer(from_fn_with_state(with(app), guard::observe));
    Ok(routes.with_state(with(app)))
}

/// No answer is to be taken for something else than it says it is.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// Lets pages of the origins that were named ask; of no others.
fn cors(options: &Options) -> Result<CorsLayer, ServeError> {
    let origins = options.access.origins.iter().map(|origin| {
        let is_origin = origin.split_once("://").is_some_and(|(scheme, host)| {
            !scheme.is_empty() && !host.is_empty() && !host.contains('/')
        });
        let value = HeaderValue::from_str(origin).ok().filter(|_| is_origin);
        value.ok_or_else(|| ServeError::Origin(origin.clone()))
    });
    let origins = origins.collect::<Result<Vec<HeaderValue>, ServeError>>()?;
    if origins.is_empty() {
        return Ok(CorsLayer::new());
    }
    let headers = [
        header::CONTENT_TYPE,
        header::AUTHORIZATION,
        HeaderName::from_static("api-key"),
    ];
    Ok(CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(headers)
        .max_age(PREFLIGHT))
}
