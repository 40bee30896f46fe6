//! What a project is: its policy file, its crates, and its databases with their schemas.
//!
//! **Invariant:** the only I/O below the engine; nothing is written, cargo is not run, symbolic links are not followed.
//! **Invariant:** the order of everything is that of sorted paths; no path outside of the root is shown absolute.
//! **Invariant:** a policy file with faults is not replaced by inference: every table then stays undeclared.
#![forbid(unsafe_code)]

mod dialect;
mod diesel;
mod disk;
mod files;
mod load;
mod migrations;
mod next;
mod seaorm;
mod servers;
mod walk;
mod workspace;

pub use disk::{Answer, Disk, Kind, Question};
pub use files::{Files, MAX_FILE, Unread, read_file};
pub use load::{Database, POLICY_FILE, Project, Skipped, find_root, load, load_from};
pub use next::{NextMigration, next_migration};
pub use servers::{Ask, Given, Servers};
pub use workspace::Crate;
