//! What `make smoke` holds the product against.
//!
//! `smoke compare FOLDER SARIF` reads the findings about the service in FOLDER and compares them with FOLDER's
//! `expected.txt`. Which function a finding is in is read from the source here, not taken from the file, so that a
//! finding at a wrong line is a difference.
//!
//! `smoke call URL` asks the running service for one tenant's order as the other tenant.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

/// An order of each tenant, see `examples/orders/dev/seed.sql`.
const ACME: &str = "aaaaaaaa-0000-4000-8000-000000000101";
const GLOBEX: &str = "bbbbbbbb-0000-4000-8000-000000000101";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["compare", folder, sarif] => compare(Path::new(folder), Path::new(sarif)),
        ["call", url] => call(url),
        _ => Err("say `compare FOLDER SARIF` or `call URL`".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("smoke: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The findings must be those of `expected.txt`, each as often as it stands there.
fn compare(folder: &Path, sarif: &Path) -> Result<(), String> {
    let mut balance: BTreeMap<String, i32> = BTreeMap::new();
    let expected = read(&folder.join("expected.txt"))?;
    let expected: Vec<&str> = expected.lines().filter(|it| !it.trim().is_empty()).collect();
    for line in &expected {
        *balance.entry((*line).to_owned()).or_default() -= 1;
    }
    for finding in findings(folder, sarif)? {
        *balance.entry(finding).or_default() += 1;
    }
    balance.retain(|_, count| *count != 0);
    if balance.is_empty() {
        println!("smoke: exactly the {} expected findings", expected.len());
        return Ok(());
    }
    let lines: Vec<String> = balance
        .iter()
        .map(|(line, count)| {
            format!("  {} {line}", if *count > 0 { "not expected:" } else { "not found:   " })
        })
        .collect();
    Err(format!("the findings are not the expected ones\n{}", lines.join("\n")))
}

/// `rule path:function` for each result that is not suppressed.
fn findings(folder: &Path, sarif: &Path) -> Result<Vec<String>, String> {
    let report: Value =
        serde_json::from_str(&read(sarif)?).map_err(|error| format!("{}: {error}", sarif.display()))?;
    let runs = report["runs"].as_array().filter(|it| !it.is_empty()).ok_or("the report has no runs")?;
    let mut told = Vec::new();
    for run in runs {
        for result in run["results"].as_array().ok_or("a run has no results")? {
            if result["suppressions"].as_array().is_some_and(|it| !it.is_empty()) {
                continue;
            }
            told.push(finding(folder, result)?);
        }
    }
    Ok(told)
}

fn finding(folder: &Path, result: &Value) -> Result<String, String> {
    let rule = result["ruleId"].as_str().ok_or("a result has no rule")?;
    let place = &result["locations"][0]["physicalLocation"];
    let uri = place["artifactLocation"]["uri"].as_str().ok_or("a result has no file")?;
    let line = place["region"]["startLine"].as_u64().ok_or("a result has no line")?;
    // Paths may be relative to the service or to the repository around it.
    let prefix = format!("{}/", folder.display());
    let path = uri.strip_prefix(&prefix).unwrap_or(uri);
    let source = read(&folder.join(path))?;
    Ok(format!("{rule} {path}:{}", function_at(&source, line)))
}

/// The name of the function that begins last at or before a line (1-based).
fn function_at(source: &str, line: u64) -> &str {
    let before = source.lines().take(usize::try_from(line).unwrap_or(usize::MAX));
    before.filter_map(function_name).last().unwrap_or("-")
}

fn function_name(line: &str) -> Option<&str> {
    let rest = line.trim_start();
    let rest = rest.strip_prefix("pub ").unwrap_or(rest);
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    let rest = rest.strip_prefix("fn ")?;
    rest.split(|it: char| !it.is_alphanumeric() && it != '_').next()
}

/// Shows that each tenant's list is its own, and that mistake 1 hands the one the other's order.
fn call(url: &str) -> Result<(), String> {
    let acme = get(url, "/orders", "acme-dev-token")?;
    let globex = get(url, "/orders", "globex-dev-token")?;
    require(acme.contains(ACME) && !acme.contains(GLOBEX), "Acme's list", &acme)?;
    require(globex.contains(GLOBEX) && !globex.contains(ACME), "Globex's list", &globex)?;
    println!("GET /orders as acme:\n  {acme}\nGET /orders as globex:\n  {globex}");
    let path = format!("/orders/{GLOBEX}");
    let leaked = get(url, &path, "acme-dev-token")?;
    require(leaked.contains(GLOBEX), "Globex's order as Acme reads it", &leaked)?;
    println!("GET {path} as acme:\n  {leaked}");
    println!("smoke: that is Globex's order in Acme's hands, by `unscoped-query` at src/store/orders.rs:get");
    Ok(())
}

fn require(holds: bool, what: &str, answer: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{what} is not as expected: {answer}")) }
}

/// The body of a successful answer.
fn get(url: &str, path: &str, token: &str) -> Result<String, String> {
    let address = url.strip_prefix("http://").ok_or("the URL must begin with http://")?;
    let answer = exchange(address, path, token).map_err(|error| format!("{url}{path}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer has no body")?;
    let status = head.lines().next().unwrap_or_default();
    if !status.contains(" 200 ") {
        return Err(format!("{url}{path}: {status}"));
    }
    Ok(body.to_owned())
}

/// HTTP/1.0, so that the answer comes in one piece and ends with the connection.
fn exchange(address: &str, path: &str, token: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::function_at;

    #[test]
    fn a_line_belongs_to_the_function_that_began_last() {
        let source =
            "use a;\n\npub async fn first(\n    x: u8,\n) {\n}\n\nfn second<T>() {\n    inner();\n}\n";
        assert_eq!(function_at(source, 1), "-");
        assert_eq!(function_at(source, 5), "first");
        assert_eq!(function_at(source, 9), "second");
    }
}
