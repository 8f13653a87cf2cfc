//! The colours of the charts, in the light theme; `style.css` holds those of both themes under the same names.

use plotters::style::{Color as _, RGBAColor, RGBColor};
use plotters_backend::BackendColor;

use crate::scenario::Family;

/// The paint and the pattern to draw with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::floors::report) struct Ink {
    pub(in crate::floors::report) paint: Paint,
    /// The dash pattern of a line, or the shade of boxes; 0 is none.
    pub(in crate::floors::report) variant: u8,
}

/// The role of an ink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::floors::report) enum Paint {
    Text,
    Muted,
    Grid,
    Ground,
    Family(Family),
    /// The family's colour, thinned: an area under a line.
    Tint(Family),
    /// One of six colours that distinguish jobs.
    Job(u8),
    /// One of six colours that distinguish jobs, thinned.
    JobTint(u8),
    /// Stripes, over another colour.
    Hatch,
    /// A thread that executes a job, in the pictures without a colour for each job.
    Busy,
    /// A thread that is free.
    Free,
}

/// The opacity of a tint.
const TINT: f64 = 0.22;

/// The classes of the jobs' colours; the first job has the colour of async.
const JOBS: [&str; 6] = ["k-async", "k-j1", "k-j2", "k-j3", "k-j4", "k-j5"];

/// Every colour with its class.
const CLASSES: [(RGBColor, &str); 15] = [
    (RGBColor(0x1b, 0x1f, 0x24), "k-text"),
    (RGBColor(0x59, 0x62, 0x6d), "k-muted"),
    (RGBColor(0xe9, 0xec, 0xf0), "k-grid"),
    (RGBColor(0xff, 0xff, 0xff), "k-ground"),
    (RGBColor(0x00, 0x72, 0xb2), "k-async"),
    (RGBColor(0xd5, 0x5e, 0x00), "k-threads"),
    (RGBColor(0x00, 0x9e, 0x73), "k-hybrid"),
    (RGBColor(0xcc, 0x79, 0xa7), "k-external"),
    (RGBColor(0xc2, 0x54, 0x00), "k-j1"),
    (RGBColor(0x00, 0x83, 0x5f), "k-j2"),
    (RGBColor(0xa3, 0x4e, 0x85), "k-j3"),
    (RGBColor(0x7a, 0x6a, 0x00), "k-j4"),
    (RGBColor(0x5a, 0x6b, 0x8c), "k-j5"),
    (RGBColor(0x3d, 0x4a, 0x5c), "k-busy"),
    (RGBColor(0xe3, 0xe7, 0xec), "k-free"),
];

impl Paint {
    fn rgb(self) -> RGBColor {
        let class = match self {
            Self::Text | Self::Hatch => "k-text",
            Self::Muted => "k-muted",
            Self::Grid => "k-grid",
            Self::Ground => "k-ground",
            Self::Family(Family::Async) | Self::Tint(Family::Async) => "k-async",
            Self::Family(Family::Threads) | Self::Tint(Family::Threads) => "k-threads",
            Self::Family(Family::Hybrid) | Self::Tint(Family::Hybrid) => "k-hybrid",
            Self::Family(Family::External) | Self::Tint(Family::External) => "k-external",
            Self::Job(number) | Self::JobTint(number) => JOBS[usize::from(number) % JOBS.len()],
            Self::Busy => "k-busy",
            Self::Free => "k-free",
        };
        let known = CLASSES.iter().find(|(_, known)| *known == class);
        known.map(|(color, _)| *color).expect("every paint has a class")
    }

    fn alpha(self) -> f64 {
        if matches!(self, Self::Tint(_) | Self::JobTint(_)) { TINT } else { 1.0 }
    }
}

impl Ink {
    pub(in crate::floors::report) const TEXT: Self = Self { paint: Paint::Text, variant: 0 };
    pub(in crate::floors::report) const MUTED: Self = Self { paint: Paint::Muted, variant: 0 };
    pub(in crate::floors::report) const GRID: Self = Self { paint: Paint::Grid, variant: 0 };
    pub(in crate::floors::report) const GROUND: Self = Self { paint: Paint::Ground, variant: 0 };
    pub(in crate::floors::report) const DOTTED: Self = Self { paint: Paint::Text, variant: 2 };

    /// Returns the colour in the light theme.
    pub(in crate::floors::report) fn color(self) -> RGBAColor {
        let RGBColor(red, green, blue) = self.paint.rgb();
        RGBAColor(red, green, blue, self.paint.alpha())
    }

    /// Returns the class of what bypasses plotters.
    pub(in crate::floors::report) fn class(self) -> String {
        match self.paint {
            Paint::Hatch => "hatch".into(),
            _ => class(self.color().to_backend_color()),
        }
    }
}

/// Returns the class of a colour of the theme.
pub(in crate::floors::report) fn class(color: BackendColor) -> String {
    let is_this = |RGBColor(red, green, blue): &RGBColor| (*red, *green, *blue) == color.rgb;
    let (_, class) = CLASSES.iter().find(|(known, _)| is_this(known)).expect("every ink has a colour of the theme");
    if color.alpha < 1.0 { format!("{class} tint") } else { (*class).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_are_those_of_the_page() {
        let style = include_str!("../templates/style.css");
        let light = style.split("@media").next().unwrap();
        let variable = |class: &str| match class {
            "k-text" | "k-muted" | "k-grid" | "k-ground" | "k-busy" | "k-free" => format!("--{}", &class[2..]),
            job if job.starts_with("k-j") => format!("--{}", &job[2..]),
            family => format!("--c-{}", &family[2..]),
        };
        for (RGBColor(red, green, blue), class) in CLASSES {
            let expected = format!("{}: #{red:02x}{green:02x}{blue:02x};", variable(class));
            assert!(light.contains(&expected), "style.css has no {expected}");
        }
        assert!(light.contains("--j0: #0072b2;"), "the first job has the colour of async");
    }

    #[test]
    fn the_colours_of_jobs_repeat() {
        assert_eq!(Ink { paint: Paint::JobTint(8), variant: 0 }.class(), "k-j2 tint");
    }
}
