//! A progress bar on a terminal that can redraw a line; hidden elsewhere, and in builds without the command line.

#[cfg(feature = "cli")]
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

#[cfg(feature = "cli")]
use super::output::{note_redraws, note_width};

/// A bar that advances to `total`.
#[derive(Debug)]
pub(super) struct RunBar {
    #[cfg(feature = "cli")]
    bar: ProgressBar,
}

#[cfg(feature = "cli")]
impl RunBar {
    pub(super) fn new(total: u64, quiet: bool) -> Self {
        let draws = !quiet && note_redraws();
        let target = if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        // On a narrow terminal, the bar is the first part to be left out.
        let style = match width_of_bar(70) {
            None => ProgressStyle::with_template("{wide_msg} {percent:>3} %  {prefix}"),
            Some(wide) => {
                ProgressStyle::with_template(&format!("{{wide_msg}} {{bar:{wide}}} {{percent:>3}} %  {{prefix}}"))
            }
        };
        bar.set_style(style.expect("the template is a constant").progress_chars("━╸─"));
        Self { bar }
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// Shows what is being done, and how long the rest takes.
    pub(super) fn show(&self, message: String, left: String) {
        self.bar.set_message(message);
        self.bar.set_prefix(left);
        self.bar.tick();
    }

    pub(super) fn set_position(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Hides the bar while `write` uses the terminal.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(not(feature = "cli"))]
impl RunBar {
    pub(super) fn new(_total: u64, _quiet: bool) -> Self {
        Self {}
    }

    pub(super) fn is_hidden(&self) -> bool {
        true
    }

    pub(super) fn show(&self, _message: String, _left: String) {}

    pub(super) fn set_position(&self, _position: u64) {}

    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        write()
    }

    pub(super) fn finish(&self) {}
}

/// Returns the width of a bar beside a text of this many columns, on one line of standard error; `None` if it does not
/// fit.
#[cfg(feature = "cli")]
pub(crate) fn width_of_bar(text: usize) -> Option<usize> {
    let width = note_width().unwrap_or(0).saturating_sub(text).min(40);
    (width >= 8).then_some(width)
}
