//! Errors as replies: `{code, message, details}` with the right status.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use colidx::{FilterError, TextError};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A request that failed.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    pub details: Option<Value>,
    /// What the operator should know and the client should not, such as paths.
    pub cause: Option<String>,
}

pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// The body of a reply to a request that failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// For programs, such as `unknown_index`.
    pub code: &'static str,
    /// For people: what was expected, what was found, and what to do.
    pub message: String,
    /// Further facts, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// For the log: why a request failed. Stands in the extensions of the response.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub String);

/// Statuses after which trying again soon makes sense.
const TRY_AGAIN: [StatusCode; 2] = [
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::SERVICE_UNAVAILABLE,
];

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError {
            status,
            code,
            message: message.into(),
            details: None,
            cause: None,
        }
    }

    pub fn details(mut self, details: Value) -> ApiError {
        self.details = Some(details);
        self
    }

    /// A request that can be read and makes no sense.
    pub fn invalid(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", message)
    }

    /// A filter that cannot be read or does not fit. `details` say where, in bytes of its text.
    pub fn filter(error: &FilterError) -> ApiError {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let failed = ApiError::new(status, "invalid_filter", error.to_string());
        let span = error.span().unwrap_or_default();
        let problem = error.fault().to_string();
        failed.details(serde_json::json!({
            "problem": problem, "start": span.start, "end": span.end,
        }))
    }

    pub fn not_found(code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, code, message)
    }

    pub fn unavailable(code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    /// Too much is under way; `what` says of which.
    pub fn busy(what: &str) -> ApiError {
        let message = format!("{what}; try again in a second");
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "busy", message)
    }

    pub fn timed_out() -> ApiError {
        let message = "the request took too long; ask for fewer hits, candidates or documents";
        ApiError::new(StatusCode::GATEWAY_TIMEOUT, "timed_out", message)
    }

    /// A fault of the service. The log says what it was.
    pub fn internal(cause: impl ToString) -> ApiError {
        let message = "the service failed; its log says why";
        let mut error = ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message);
        error.cause = Some(cause.to_string());
        error
    }

    /// The error for a status that another layer has set.
    pub fn of_status(status: StatusCode) -> ApiError {
        let (code, message) = match status {
            StatusCode::NOT_FOUND => ("not_found", "there is no such route; /docs lists them"),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method_not_allowed",
                "the route exists, but not with this method; /docs lists them",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => (
                "too_large",
                "the body is larger than allowed; send less at a time",
            ),
            status if status.is_server_error() => {
                ("internal", "the service failed; its log says why")
            }
            _ => (
                "bad_request",
                "the request cannot be read; /docs says what it should be",
            ),
        };
        ApiError::new(status, code, message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            code: self.code,
            message: self.message,
            details: self.details,
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        if TRY_AGAIN.contains(&self.status) {
            let header = (header::RETRY_AFTER, HeaderValue::from_static("1"));
            response.headers_mut().insert(header.0, header.1);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let header = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, header);
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}

impl From<colidx::Error> for ApiError {
    fn from(error: colidx::Error) -> ApiError {
        use colidx::{Error, LexicalError};
        match &error {
            Error::DeadlineExceeded => ApiError::timed_out(),
            Error::SearchCancelled => ApiError::unavailable("cancelled", error.to_string()),
            Error::Cancelled => ApiError::unavailable(
                "stopping",
                "the service is stopping; nothing of this request was committed",
            ),
            Error::DuplicateKey { key } => {
                let message = format!("a document has the key `{key}` already; PUT replaces it");
                ApiError::new(StatusCode::CONFLICT, "key_exists", message)
                    .details(serde_json::json!({ "key": key }))
            }
            Error::Filter(filter) => ApiError::filter(filter),
            Error::NoWords { .. } => ApiError::invalid(
                "the index has no words to search; search it by vectors, or compact it with an \
                 analyzer",
            ),
            Error::NoColumns { .. } => ApiError::invalid(
                "the index was built before metadata could be filtered; compact it first",
            ),
            Error::UnknownRecall { reason, .. } => ApiError::invalid(format!(
                "effort.recall: {reason}; measure it with `colidx tune`, or leave it out"
            )),
            Error::Locked { .. } => ApiError::unavailable(
                "locked",
                "another program is writing to the index; try again when it has finished",
            ),
            Error::QueryDimension { .. }
            | Error::QueryTooLong { .. }
            | Error::EmptyQuery
            | Error::PartialVector { .. }
            | Error::NonFinite { .. }
            | Error::InvalidKey { .. }
            | Error::DocumentTooLarge { .. }
            | Error::Metadata { .. }
            | Error::TooManyDocuments { .. }
            | Error::DocumentVectors { .. }
            | Error::TokenIds { .. }
            | Error::TooLong { .. }
            | Error::NotUnitLength { .. }
            | Error::NoTokenIds
            | Error::Option { .. }
            | Error::Words(LexicalError::TooManyTerms { .. } | LexicalError::NoPositions)
            | Error::SourceDimension { .. } => ApiError::invalid(error.to_string()),
            _ => ApiError::internal(error),
        }
    }
}

impl From<TextError> for ApiError {
    fn from(error: TextError) -> ApiError {
        match error {
            TextError::Index(error) => error.into(),
            TextError::EmptyQuery => {
                ApiError::invalid("the query is empty; give at least one word")
            }
            TextError::WrongModel { .. } | TextError::WrongDimension { .. } => {
                let message = "the index was rebuilt with another checkpoint; reload it";
                let mut failed = ApiError::new(StatusCode::CONFLICT, "other_model", message);
                failed.cause = Some(error.to_string());
                failed
            }
            error => ApiError::internal(error),
        }
    }
}
