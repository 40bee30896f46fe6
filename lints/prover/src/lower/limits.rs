//! Bounds that keep every input from exhausting the stack or the clock.

use tenantry_span::TextRange;

use crate::ast::{ParsedStatement, Statement, Unread};

/// The longest text that is parsed, in bytes. Schema files are cut into statements first.
pub const MAX_TEXT: usize = 256 * 1024;
/// The most tokens of one statement.
pub const MAX_TOKENS: usize = 40_000;
/// The deepest nesting of brackets in one statement; the parser's time is quadratic in it.
pub const MAX_NESTING: usize = 200;

/// The most prefix operators, casts, name parts or joins that follow each other in one statement; the parser's time is
/// quadratic in them too.
pub const MAX_CHAIN: usize = 1_000;

/// The stack on which SQL is parsed and proved: reserved, not touched.
const STACK: usize = 256 * 1024 * 1024;

/// A limit that a text reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`MAX_TEXT`].
    Text,
    /// [`MAX_TOKENS`].
    Tokens,
    /// [`MAX_NESTING`].
    Nesting,
    /// [`MAX_CHAIN`].
    Chain,
}

impl Limit {
    /// A sentence for the reader.
    pub fn message(self) -> String {
        match self {
            Limit::Text => format!("the text is longer than {MAX_TEXT} bytes"),
            Limit::Tokens => format!("the statement has more than {MAX_TOKENS} tokens"),
            Limit::Nesting => format!("brackets are nested deeper than {MAX_NESTING}"),
            Limit::Chain => format!("more than {MAX_CHAIN} operators or joins follow each other"),
        }
    }
}

/// Runs `work` on a thread whose stack is deep enough for every text within the limits. Only plain data crosses.
/// Returns `None` if the thread could not be started or the work panicked.
///
/// Where one is in use already the work is done there: a thread is made once for all that it needs.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    thread_local! {
        static IS_DEEP: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }
    if IS_DEEP.get() {
        return std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok();
    }
    let work = || {
        IS_DEEP.set(true);
        work()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("tenantry-sql".to_owned()).stack_size(STACK);
        thread.spawn_scoped(scope, work).ok()?.join().ok()
    })
}

impl ParsedStatement {
    /// A statement of which nothing was read.
    pub fn unreadable(text: &str, what: String) -> ParsedStatement {
        let range = TextRange::from_usize(0, text.len());
        ParsedStatement {
            statement: Statement::Unsupported("text".to_owned()),
            range,
            params: 0,
            unread: vec![Unread { range, what, syntax_error: false }],
        }
    }
}
