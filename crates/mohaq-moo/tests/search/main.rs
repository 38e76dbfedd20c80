//! The searches as wholes: against published fronts, against pymoo, and against their own promises.

mod baselines;
mod continuous;
mod precision;
mod promises;
mod pymoo;
