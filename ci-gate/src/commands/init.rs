//! `cargo tenantry init`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use tenantry_project::{POLICY_FILE, Project};
use tenantry_prover::ownership::{infer, to_toml};

use crate::cli::InitArgs;
use crate::commands::{live, scan};
use crate::exit::{self, Failure};
use crate::terminal::plain;

/// Writes down what is inferred. One policy holds for all databases: that of the one which tells the most of tenants.
pub(crate) fn run(arguments: &InitArgs) -> Result<u8, Failure> {
    let project = scan::project_beside(arguments.path.as_deref(), live::servers(&[])?)?;
    let path = project.root.join(POLICY_FILE);
    let scripts = build_scripts(&project);
    if path.exists() && !arguments.force {
        // Where it was written before the crate `tenantry` was used, the build scripts are what is left to do.
        if !scripts.iter().any(|script| script.text.is_some()) {
            let why = format!("there is a {POLICY_FILE} already");
            return Err(Failure::usage(why).help("--force overwrites it"));
        }
        println!("{POLICY_FILE} is there already and stays as it is");
        return match arguments.yes || agreed("", &scripts)? {
            true => write_scripts(&scripts).map(|()| exit::OK),
            false => nothing(),
        };
    }
    // A policy that is overwritten does not speak for the new one.
    let inferences = project.databases.iter().map(|database| infer(&database.catalog));
    // Of equals the first.
    let Some(inference) = inferences.rev().max_by_key(|inference| inference.owned) else {
        return Err(Failure { code: exit::NOTHING, ..Failure::usage("no schema was found to infer from") }
            .help("write [[database]] with its schema into tenantry.toml"));
    };
    let text = to_toml(&inference);
    println!("{}", plain(&inference.paragraph));
    if !arguments.yes && !agreed(&text, &scripts)? {
        return nothing();
    }
    scan::write(&path, &text)?;
    write_scripts(&scripts)?;
    println!("{POLICY_FILE} is written: review it, then run `cargo tenantry check`");
    Ok(exit::OK)
}

fn nothing() -> Result<u8, Failure> {
    println!("nothing was written");
    Ok(exit::OK)
}

/// A build script that should watch folders of migrations.
struct BuildScript {
    path: PathBuf,
    /// Its path as it is shown.
    shown: String,
    /// The lines that it needs.
    lines: Vec<String>,
    /// The script with these lines; `None` where it is not plain where they belong.
    text: Option<String>,
}

/// The build scripts of crates that use the crate `tenantry` and would not be compiled again for a new migration.
fn build_scripts(project: &Project) -> Vec<BuildScript> {
    let scripts = project.unwatched().into_iter().filter_map(|(at, folders)| {
        let krate = project.crates.get(at).filter(|krate| krate.depends_on("tenantry"))?;
        let line = |folder: &String| format!("println!(\"cargo:rerun-if-changed={folder}\");");
        let lines: Vec<String> = folders.iter().map(line).collect();
        let (name, text) = match krate.build_script() {
            Some((name, script)) => (name, with_lines(script, &lines)),
            None => ("build.rs", (!krate.refuses_a_build_script()).then(|| new_script(&lines))),
        };
        let path = krate.folder.join(name);
        let shown = path.strip_prefix(&project.root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        Some(BuildScript { path, shown, lines, text })
    });
    scripts.collect()
}

fn new_script(lines: &[String]) -> String {
    let lines: String = lines.iter().map(|line| format!("    {line}\n")).collect();
    format!(
        "//! A new migration makes what is marked with `#[tenant_scoped]` be proved again.\nfn main() {{\n{lines}}}\n"
    )
}

/// The script with lines at the beginning of `main`. One that names nothing to watch makes cargo watch the whole package,
/// which a first such line would end.
fn with_lines(script: &str, lines: &[String]) -> Option<String> {
    if !script.contains("rerun-if-") {
        return None;
    }
    let mut mains = script.match_indices("fn main()");
    let (Some((main, _)), None) = (mains.next(), mains.next()) else { return None };
    let at = main + script.get(main..)?.find('{')? + 1;
    let lines: String = lines.iter().map(|line| format!("\n    {line}")).collect();
    Some(format!("{}{lines}{}", script.get(..at)?, script.get(at..)?))
}

fn write_scripts(scripts: &[BuildScript]) -> Result<(), Failure> {
    for script in scripts {
        match &script.text {
            Some(text) => {
                scan::write(&script.path, text)?;
                println!("{} makes new migrations be noticed by `cargo check`", plain(&script.shown));
            }
            None => println!("add to `main` of {}: {}", plain(&script.shown), plain(&script.lines.join(" "))),
        }
    }
    Ok(())
}

/// Asks whether a policy, and lines of build scripts, are to be written; one of them may be empty.
fn agreed(text: &str, scripts: &[BuildScript]) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("this asks before it writes, and there is no terminal to answer")
            .help("--yes takes what was inferred"));
    }
    let shown: String = text.lines().map(|line| plain(line) + "\n").collect();
    let written = scripts.iter().filter(|script| script.text.is_some());
    let files: Vec<String> = std::iter::once(POLICY_FILE.to_owned())
        .filter(|_| !text.is_empty())
        .chain(written.clone().map(|script| plain(&script.shown)))
        .collect();
    print!("\n{shown}");
    for script in written {
        println!("{}: {}", plain(&script.shown), plain(&script.lines.join(" ")));
    }
    print!("\nWrite this to {}? [Y/n] ", files.join(" and "));
    let failed = |error: std::io::Error| Failure::internal(format!("the terminal cannot be used: {error}"));
    std::io::stdout().flush().map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}
