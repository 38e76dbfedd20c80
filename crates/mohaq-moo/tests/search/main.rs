//! The searches as wholes: against published fronts, against pymoo, and against their own promises.

mod baselines;
mod continuous;
mod guided;
mod peers;
mod precision;
mod promises;
mod pymoo;
mod varied;
