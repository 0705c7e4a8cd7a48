// Requests to the service that this page came from.

const STORED = "colidx-key";

// What failed, and with which status; 0 where there was no answer.
export class Failure extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function ask(path, body, signal) {
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
  const answer = await reply.json().catch(() => ({}));
  if (reply.ok) return answer;
  throw new Failure(reply.status, answer.code, answer.message ?? `Status ${reply.status}`);
}

export function useKey(key) {
  sessionStorage.setItem(STORED, key);
}
