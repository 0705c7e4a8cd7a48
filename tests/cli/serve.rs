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

/// A client of `colidx mcp`.
#[cfg(feature = "mcp")]
struct Tools {
    child: Child,
    input: std::process::ChildStdin,
    output: BufReader<std::process::ChildStdout>,
    asked: u64,
}

#[cfg(feature = "mcp")]
impl Tools {
    /// Starts it and shakes hands.
    fn start(place: &Place, arguments: &[&str]) -> Tools {
        use serde_json::json;

        let mut colidx = place.colidx(&["mcp", "x.colidx"]).args(arguments);
        let mut child = colidx
            .command
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("it runs");
        let input = child.stdin.take().expect("standard input is a pipe");
        let output = child.stdout.take().expect("standard output is a pipe");
        let mut tools = Tools {
            child,
            input,
            output: BufReader::new(output),
            asked: 0,
        };
        let client = json!({
            "protocolVersion": "2024-11-05", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        });
        let hello = tools.ask("initialize", client);
        assert_eq!(hello["protocolVersion"], "2024-11-05");
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        writeln!(tools.input, "{told}").expect("it reads");
        tools
    }

    fn ask(&mut self, method: &str, params: serde_json::Value) -> serde_json::Value {
        self.asked += 1;
        let id = self.asked;
        let asked = serde_json::json!(
            {"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        writeln!(self.input, "{asked}").expect("it reads");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("it answers");
        let answer: serde_json::Value =
            serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {answer}"));
        assert_eq!(answer["id"], id);
        answer["result"].clone()
    }

    /// The text that a tool answers.
    fn call(&mut self, name: &str, arguments: serde_json::Value) -> String {
        let params = serde_json::json!({"name": name, "arguments": arguments});
        let answer = self.ask("tools/call", params);
        let text = answer["content"][0]["text"].as_str();
        text.unwrap_or_else(|| panic!("no text: {answer}"))
            .to_owned()
    }

    fn count(&mut self) -> usize {
        let list = self.ask("tools/list", serde_json::json!({}));
        list["tools"].as_array().expect("there are tools").len()
    }

    /// Ends its input.
    fn end(self) {
        let Tools {
            mut child, input, ..
        } = self;
        drop(input);
        assert!(child.wait().expect("it ends with its input").success());
    }
}

#[cfg(feature = "mcp")]
#[test]
fn tools_answer_on_standard_input_and_output() {
    let place = Place::with_index();
    let mut tools = Tools::start(&place, &[]);
    assert_eq!(tools.count(), 3);
    let asked = serde_json::json!({"query": "the moon and the earth"});
    let text = tools.call("search", asked);
    assert!(
        text.contains("key: moon") && text.contains("score"),
        "{text}"
    );
    tools.end();
}

#[cfg(feature = "mcp")]
#[test]
fn tools_change_an_index_only_where_that_was_asked_for() {
    use serde_json::json;

    let place = Place::with_index();
    let mut tools = Tools::start(&place, &["--write"]);
    assert_eq!(tools.count(), 5);
    let new = json!({"key": "new", "text": "salt and water", "metadata": "{\"year\": 2001}"});
    assert!(tools.call("add_document", new.clone()).contains("stored"));
    assert!(tools.call("add_document", new).contains("in the place"));
    let asked = json!({"query": "salt and water", "filter": "year = 2001"});
    assert!(tools.call("search", asked).starts_with("1. key: new"));
    let bad = json!({"key": "bad", "text": "salt", "metadata": "{"});
    assert!(tools.call("add_document", bad).contains("bad"));
    let gone = json!({"key": "new"});
    assert!(
        tools
            .call("delete_document", gone.clone())
            .contains("deleted")
    );
    assert!(tools.call("delete_document", gone).contains("no document"));
    tools.end();
}
