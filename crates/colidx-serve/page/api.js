// Requests to the service that this page came from.

const STORED = "colidx-key";

// What failed, and with which status; 0 where there was no answer.
export class Failure extends Error {
  constructor(status, code, message, details) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

// The answer to a request, in JSON; with a body it is posted.
export async function ask(path, body, signal) {
  const reply = await send(path, body, signal);
  return reply.json();
}

// A file.
export async function load(path) {
  const reply = await send(path);
  return reply.blob();
}

async function send(path, body, signal) {
  const headers = {};
  const key = sessionStorage.getItem(STORED);
  if (key) headers.authorization = `Bearer ${key}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let reply;
  try {
    reply = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure(0, "unreachable", "The service does not answer.");
  }
  if (reply.ok) return reply;
  const answer = await reply.json().catch(() => ({}));
  const message = answer.message ?? `Status ${reply.status}`;
  throw new Failure(reply.status, answer.code, message, answer.details);
}

export function useKey(key) {
  sessionStorage.setItem(STORED, key);
}
