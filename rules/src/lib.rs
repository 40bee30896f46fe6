//! The rules as data.
