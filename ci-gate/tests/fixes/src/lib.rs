mod client;
mod diesel_chains;
mod functions;
mod macros;
mod schema;
mod sea;
