//! Pages and files that are part of the program.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::openapi::OpenApi;

use crate::app::App;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// Scripts and styles are files of ours, and nothing else is loaded or run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Path, type and content.
const FILES: [(&str, &str, &str); 17] = [
    ("/", HTML, include_str!("../page/index.html")),
    ("/docs", HTML, include_str!("../page/docs.html")),
    ("/page/page.css", CSS, include_str!("../page/page.css")),
    ("/page/docs.css", CSS, include_str!("../page/docs.css")),
    ("/page/page.js", JS, include_str!("../page/page.js")),
    ("/page/api.js", JS, include_str!("../page/api.js")),
    ("/page/dom.js", JS, include_str!("../page/dom.js")),
    ("/page/hits.js", JS, include_str!("../page/hits.js")),
    ("/page/look.js", JS, include_str!("../page/look.js")),
    ("/page/marks.js", JS, include_str!("../page/marks.js")),
    ("/page/matrix.js", JS, include_str!("../page/matrix.js")),
    ("/page/picture.js", JS, include_str!("../page/picture.js")),
    ("/page/vectors.js", JS, include_str!("../page/vectors.js")),
    ("/page/narrow.js", JS, include_str!("../page/narrow.js")),
    ("/page/export.js", JS, include_str!("../page/export.js")),
    ("/page/docs.js", JS, include_str!("../page/docs.js")),
    (
        "/page/icon.svg",
        "image/svg+xml",
        include_str!("../page/icon.svg"),
    ),
];

/// The search page, the page about routes, and `/openapi.json`.
pub(crate) fn routes(description: &OpenApi) -> Router<Arc<App>> {
    // A description of types always has a JSON form.
    let json = description.to_pretty_json().unwrap_or_default();
    let json = move || async move { ([(header::CONTENT_TYPE, "application/json")], json) };
    let routes = Router::new().route("/openapi.json", get(json));
    FILES.iter().fold(routes, |routes, &(path, kind, content)| {
        routes.route(path, get(move || async move { file(kind, content) }))
    })
}

fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Addresses of the page hold what was searched for.
        (header::REFERRER_POLICY, "same-origin"),
        // A new version of the program brings new files.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, content)
}
