//! The icons: strokes on a 24 px grid, in the colour of the text. Always beside a word, so hidden from readers.

use leptos::prelude::*;
use leptos::tachys::html::InertElement;

/// The icon of a path: constant, since a page has some dozens of them.
macro_rules! svg {
    ($path:literal) => {
        concat!(
            r#"<svg class="icon" viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><path d=""#,
            $path,
            r#""/></svg>"#
        )
    };
}

/// Which icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IconName {
    Overview,
    Payments,
    Partitions,
    Hold,
    Database,
    Jobs,
    Search,
    Check,
    Warning,
    Critical,
    Clock,
    Running,
    Blocked,
    Skipped,
    Back,
    Copy,
    Theme,
    Logout,
    Add,
    Drop,
    Pause,
    Play,
    Refund,
    Settings,
    Reveal,
    Export,
}

impl IconName {
    const fn svg(self) -> &'static str {
        match self {
            Self::Overview => svg!("M3 12l9-9 9 9M5 10v10h5v-6h4v6h5V10"),
            Self::Payments => svg!("M3 6h18v12H3zM3 10h18M7 15h4"),
            Self::Partitions => svg!(
                "M4 4h4v4H4zM10 4h4v4h-4zM16 4h4v4h-4zM4 10h4v4H4zM10 10h4v4h-4zM16 10h4v4h-4zM4 16h4v4H4zM10 16h4v4h-4z"
            ),
            Self::Hold => svg!("M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3"),
            Self::Database => svg!("M4 6c0-4 16-4 16 0v12c0 4-16 4-16 0zM4 6c0 4 16 4 16 0M4 12c0 4 16 4 16 0"),
            Self::Jobs | Self::Clock => svg!("M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 3"),
            Self::Search => svg!("M10 4a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5"),
            Self::Check => svg!("M4 12l5 5L20 6"),
            Self::Warning => svg!("M12 3L2 20h20zM12 10v4M12 17v.5"),
            Self::Critical => svg!("M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16v.5"),
            Self::Running => svg!("M20 12a8 8 0 1 1-3-6.2M20 3v5h-5"),
            Self::Blocked => svg!("M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM6 6l12 12"),
            Self::Skipped => svg!("M5 5l8 7-8 7zM17 5v14"),
            Self::Back => svg!("M15 5l-7 7 7 7"),
            Self::Copy => svg!("M9 9h11v11H9zM5 15H4V4h11v1"),
            Self::Theme => svg!("M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z"),
            Self::Logout => svg!("M10 4H4v16h6M14 8l4 4-4 4M18 12H9"),
            Self::Add => svg!("M12 5v14M5 12h14"),
            Self::Drop => svg!("M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13"),
            Self::Pause => svg!("M8 5v14M16 5v14"),
            Self::Refund => svg!("M9 14l-5-5 5-5M4 9h10a6 6 0 0 1 0 12h-3"),
            Self::Export => svg!("M12 3v12M7 10l5 5 5-5M4 20h16"),
            Self::Reveal => svg!("M2 12c4-8 16-8 20 0-4 8-16 8-20 0zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z"),
            Self::Settings => svg!("M4 7h10M18 7h2M4 17h2M10 17h10M14 4v6M6 14v6"),
            Self::Play => svg!("M7 5l12 7-12 7z"),
        }
    }
}

/// An icon, hidden from readers: the word beside it says the same.
#[component]
pub(crate) fn Icon(name: IconName) -> impl IntoView {
    InertElement::new(name.svg())
}
