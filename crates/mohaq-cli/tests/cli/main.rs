//! The built binary, as a shell or a script meets it: exit codes, both streams, and what is left in the run directory.
//!
//! Every test has a folder of its own and runs in it; the recipe ([`workspace::RECIPE`]) is small enough for a whole run
//! to take a second or two.

mod bench;
mod compare;
mod contract;
mod disturbed;
mod explain;
mod export;
#[cfg(target_os = "linux")]
mod full_disk;
mod import;
mod interrupted;
mod killed;
mod measured;
mod refused_data;
mod refused_requests;
mod reports;
mod reruns;
mod retrain;
mod same;
mod shell;
mod strategies;
mod tasks;
mod workspace;
