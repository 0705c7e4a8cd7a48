//! `colidx serve` and `colidx mcp`: how they start, what they refuse, and how they end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};

use crate::harness::{Colidx, Place};

/// A service and its address.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(mut colidx: Colidx) -> Service {
        let mut child = colidx.command.spawn().expect("the binary runs");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        let mut lines = BufReader::new(stderr);
        let mut line = String::new();
        lines.read_line(&mut line).expect("it says its address");
        let address = line.trim().split("http://").nth(1);
        let address = address
            .unwrap_or_else(|| panic!("no address: {line}"))
            .to_owned();
        // Read on, so that the service can go on writing.
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        Service { child, address }
    }

    fn get(&self, path: &str, header: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).expect("the service listens");
        let host = &self.address;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{header}connection: close\r\n\r\n");
        socket
            .write_all(request.as_bytes())
            .expect("the service reads");
        let mut answer = String::new();
        socket
            .read_to_string(&mut answer)
            .expect("the service answers");
        answer
    }

    /// Ends it as a service manager does, and returns its status.
    fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("kill runs");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(place: &Place, arguments: &[&str]) -> Colidx {
    place
        .colidx(&["serve", "x.colidx", "--address", "127.0.0.1:0"])
        .args(arguments)
}

#[test]
fn a_service_says_its_address_and_ends_well() {
    let place = Place::with_index();
    let service = Service::start(serve(&place, &[]));
    let answer = service.get("/v1/indexes", "");
    assert!(
        answer.contains("\"name\":\"x\"") && answer.contains("\"documents\":4"),
        "{answer}"
    );
    assert!(service.get("/", "").contains("<title>colidx</title>"));
    let address = service.address.clone();
    let check = || {
        place
            .colidx(&["serve", "--check", "--address", &address])
            .run()
    };
    while check().code != Some(0) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(service.terminate(), Some(0));
    check().fails().says(&["takes no requests"]);
}

#[test]
fn flags_are_environment_variables_too() {
    let place = Place::with_index();
    place.write("keys", "first\n\nsecond\n");
    let colidx = serve(&place, &[])
        .env("COLIDX_API_KEY_FILE", "keys")
        .env("COLIDX_READ_ONLY_KEY", "third");
    let service = Service::start(colidx);
    assert!(service.get("/v1/indexes", "").contains(" 401 "));
    for key in ["first", "second", "third"] {
        let answer = service.get("/v1/indexes", &format!("api-key: {key}\r\n"));
        assert!(answer.contains(" 200 "), "{key}: {answer}");
    }
}

#[test]
fn what_would_be_open_to_all_is_refused() {
    let place = Place::with_index();
    let open = ["serve", "x.colidx", "--address", "0.0.0.0:0"];
    place
        .colidx(&open)
        .run()
        .fails()
        .says(&["--api-key-file", "--no-auth"]);
    place.write("empty", "\n");
    let empty = place.colidx(&open).args(&["--api-key-file", "empty"]).run();
    empty.refuses_usage().says(&["empty has no key"]);
    place
        .colidx(&["serve", "nothing"])
        .run()
        .fails()
        .says(&["nothing"]);
    place
        .colidx(&["serve", "corpus.jsonl"])
        .run()
        .fails()
        .says(&["is a file"]);
}

#[cfg(feature = "mcp")]
#[test]
fn tools_answer_on_standard_input_and_output() {
    use serde_json::{Value, json};

    let place = Place::with_index();
    let mut colidx = place.colidx(&["mcp", "x.colidx"]);
    let mut child = colidx
        .command
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = child.stdin.take().expect("standard input is a pipe");
    let mut output = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
    let mut ask = |line: Value| {
        writeln!(input, "{line}").expect("it reads");
        if line.get("id").is_none() {
            return Value::Null;
        }
        let mut answer = String::new();
        output.read_line(&mut answer).expect("it answers");
        let answer: Value =
            serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {answer}"));
        assert_eq!(answer["id"], line["id"]);
        answer["result"].clone()
    };
    let client = json!({
        "protocolVersion": "2024-11-05", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client});
    let hello = ask(hello);
    assert_eq!(hello["protocolVersion"], "2024-11-05");
    ask(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let list = ask(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    assert_eq!(list["tools"].as_array().map(Vec::len), Some(3));
    let asked = json!({"name": "search", "arguments": {"query": "the moon and the earth"}});
    let found = ask(json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": asked}));
    let text = found["content"][0]["text"]
        .as_str()
        .expect("an answer is text");
    assert!(
        text.contains("key: moon") && text.contains("score"),
        "{text}"
    );
    drop(input);
    assert!(child.wait().expect("it ends with its input").success());
}
