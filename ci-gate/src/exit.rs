//! Exit codes.

/// Nothing at or above the gate.
pub(crate) const OK: u8 = 0;
/// Findings at or above the gate.
pub(crate) const FINDINGS: u8 = 1;
/// A wrong command line or a faulty policy file.
pub(crate) const USAGE: u8 = 2;
/// Nothing was scanned.
pub(crate) const NOTHING: u8 = 3;
/// The analysis failed, in whole or in part.
pub(crate) const INTERNAL: u8 = 4;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What happened.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: Vec<String>,
    /// The exit code.
    pub(crate) code: u8,
}

impl Failure {
    /// The user asked for something that cannot be done.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), help: Vec::new(), code: USAGE }
    }

    /// Something failed that the user did not cause.
    pub(crate) fn internal(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), help: Vec::new(), code: INTERNAL }
    }

    /// Adds what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Failure {
        self.help.push(help.into());
        self
    }
}
