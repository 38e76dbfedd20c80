//! The search as a whole: against published fronts, against pymoo, and against its own promises.

mod continuous;
mod precision;
mod promises;
mod pymoo;
