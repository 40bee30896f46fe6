//! Queries. A function here takes the tenant first and hands back rows; it knows nothing of HTTP.

pub mod analytics;
pub mod copilot;
pub mod exports;
pub mod imports;
pub mod items;
pub mod members;
pub mod notes;
pub mod orders;
