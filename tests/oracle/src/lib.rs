//! Tries to catch the prover lying: an oracle that decides by experiment on a real PostgreSQL whether a statement stays
//! inside one tenant.
//!
//! [`server`] finds a PostgreSQL, [`wire`] talks to it. A [`subject`] is a schema with its policy; its [`shape`] and the
//! [`universe`] of tenants say how to make a [`world`]. [`experiment`] runs statements in many worlds.
//!
//! **Invariant:** the oracle refutes, it never proves: what it finds clean is clean in the worlds that were tried.
//! **Invariant:** the same seed gives the same schemas, statements and worlds.
#![forbid(unsafe_code)]

pub mod aim;
pub mod compare;
pub mod constructs;
pub mod contents;
pub mod corpus;
pub mod database;
pub mod experiment;
pub mod grammar;
pub mod hints;
pub mod hosts;
pub mod mariadb;
pub mod model;
pub mod mutants;
pub mod mutate;
pub mod plain_schemas;
pub mod policies;
pub mod postgres;
#[cfg(feature = "project")]
pub mod project;
pub mod regression;
pub mod report;
pub mod rng;
pub mod schemas;
pub mod server;
pub mod shape;
pub mod shrink;
pub mod spoken;
pub mod sqlite;
pub mod subject;
pub mod syntax;
pub mod tableau;
pub mod universe;
pub mod values;
pub mod wire;
pub mod world;
