//! Progress on stderr: a bar with rate and time left for every stage, plain lines where stderr is no terminal.

use crate::output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mohaq::watch::Watch;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Set by Ctrl-C.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Makes the first Ctrl-C ask the running stage to stop and the second one end the process.
pub(crate) fn stop_on_interrupt() {
    // Without a handler Ctrl-C still ends the process, and what is on disk is still good: not worth failing for.
    let _ = ctrlc::set_handler(|| {
        if STOPPED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        output::note("\nstopping; once more to stop at once");
    });
}

/// Draws the stages of one command.
pub(crate) struct Progress {
    quiet: bool,
    terminal: bool,
    stage: Mutex<Option<Stage>>,
}

struct Stage {
    name: String,
    bar: ProgressBar,
    begun: Instant,
}

impl Progress {
    /// Progress for a person, or none at all when `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal(), stage: Mutex::new(None) }
    }

    fn bar(&self, total: u64, unit: &str) -> ProgressBar {
        if self.quiet || !self.terminal {
            return ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        }
        let style = if total == 0 {
            ProgressStyle::with_template("{spinner} {prefix:10} {elapsed} {msg}")
        } else {
            let per_second =
                format!("{{prefix:10}} {{bar:28}} {{pos}}/{{len}} {unit} {{elapsed}} left {{eta}} {{msg}}");
            ProgressStyle::with_template(&per_second)
        };
        let bar = ProgressBar::new(total);
        bar.set_style(style.expect("the template is well-formed"));
        bar
    }
}

impl Watch for Progress {
    fn begin(&self, stage: &str, total: u64, unit: &str) {
        let bar = self.bar(total, unit);
        bar.set_prefix(stage.to_owned());
        if !self.quiet && !self.terminal {
            output::note(&format!("{stage} …"));
        }
        let stage = Stage { name: stage.to_owned(), bar, begun: Instant::now() };
        *self.stage.lock().expect("drawing does not panic") = Some(stage);
    }

    fn advance(&self, done: u64, detail: &str) {
        if let Some(stage) = &*self.stage.lock().expect("drawing does not panic") {
            stage.bar.set_position(done);
            stage.bar.set_message(detail.to_owned());
        }
    }

    fn end(&self, summary: &str) {
        if let Some(stage) = self.stage.lock().expect("drawing does not panic").take() {
            stage.bar.finish_and_clear();
            if !self.quiet {
                let seconds = stage.begun.elapsed().as_secs_f64();
                output::note(&format!("{:10} {seconds:6.1} s  {summary}", stage.name));
            }
        }
    }

    fn note(&self, text: &str) {
        if self.quiet {
            return;
        }
        match &*self.stage.lock().expect("drawing does not panic") {
            Some(stage) => stage.bar.suspend(|| output::note(&format!("note: {text}"))),
            None => output::note(&format!("note: {text}")),
        }
    }

    fn stopped(&self) -> bool {
        STOPPED.load(Ordering::SeqCst)
    }
}
