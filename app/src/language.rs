//! The language of a request, and its words.
//!
//! gettext's way: the English text in the code is the key, `tr!("Payments")`, and `languages/ko.po` has its translation; the
//! test beside it holds the two together. Invariants: the language is the context's; without one, and where a translation is
//! missing, the text is English; a page is in one language as a whole, so that what is not translated yet stays English.
//!
//! Dates stay as ISO writes them and numbers are grouped by commas, which is read the same in both languages.

use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use leptos::prelude::*;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;
use tr::Translator;

pub(crate) use tr::tr;

/// The cookie that keeps the choice.
pub const LANGUAGE_COOKIE: &str = "payhist_lang";

const KOREAN: &str = include_str!("../languages/ko.po");
/// Pages without translation, with all that is below them.
const ENGLISH_ONLY: [&str; 6] = ["/", "/partitions", "/holds", "/settings", "/jobs", "/database"];

/// A language of the pages. As text its code: `en`, `ko`.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    strum::EnumCount,
    strum::EnumString,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
pub enum Language {
    /// English.
    #[default]
    #[strum(serialize = "en")]
    English,
    /// Korean.
    #[strum(serialize = "ko")]
    Korean,
}

/// The language that whoever asks has chosen, whatever the page's.
#[derive(Debug, Clone, Copy)]
struct Chosen(Language);

impl Language {
    /// As `lang` and the cookie have it.
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// Its name in itself.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Korean => "한국어",
        }
    }

    /// That of what is being rendered.
    pub(crate) fn current() -> Self {
        use_context().unwrap_or_default()
    }

    /// That of the frame, which is translated around every page.
    pub(crate) fn of_frame() -> Self {
        use_context::<Chosen>().map_or_else(Self::default, |Chosen(language)| language)
    }

    /// Puts the request's language and its page's into the context; answers the document's.
    pub(crate) fn provide() -> Self {
        LazyLock::force(&INSTALLED);
        let (chosen, path) =
            with_context::<Parts, _>(|parts| (Self::asked(parts), parts.uri.path().to_owned())).unwrap_or_default();
        provide_context(Chosen(chosen));
        provide_context(if is_translated(&path) { chosen } else { Self::English });
        chosen
    }

    /// What the cookie says, or else the browser.
    fn asked(parts: &Parts) -> Self {
        let accepted = || parts.headers.get(ACCEPT_LANGUAGE)?.to_str().ok().and_then(Self::preferred);
        let chosen = crate::shell::cookie(parts, LANGUAGE_COOKIE).and_then(|code| code.parse().ok());
        chosen.or_else(accepted).unwrap_or_default()
    }

    /// The best of an `Accept-Language` header, `ko-KR,ko;q=0.9,en;q=0.8`; of equals the first.
    fn preferred(header: &str) -> Option<Self> {
        let weighed = header.split(',').filter_map(|entry| {
            let (tag, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
            let weight: f32 = weight.trim().strip_prefix("q=")?.parse().ok()?;
            let primary = tag.trim().split('-').next()?.to_ascii_lowercase();
            Some((primary.parse().ok()?, weight)).filter(|(_, weight)| *weight > 0.0)
        });
        let all: Vec<(Self, f32)> = weighed.collect();
        all.into_iter().rev().max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(language, _)| language)
    }
}

fn is_translated(path: &str) -> bool {
    let is_within = |page: &str| path == page || (page != "/" && path.starts_with(&format!("{page}/")));
    !ENGLISH_ONLY.into_iter().any(is_within)
}

static INSTALLED: LazyLock<()> = LazyLock::new(|| match rspolib::pofile(KOREAN) {
    Ok(table) => tr::set_translator!(Words::of(table)),
    Err(error) => leptos::logging::error!("The Korean words cannot be read, pages stay English: {error}"),
});

/// Translates into the language of the context.
struct Words {
    /// By text and context.
    korean: HashMap<(String, Option<String>), String>,
}

impl Words {
    fn of(table: rspolib::POFile) -> Self {
        let entry = |entry: rspolib::POEntry| {
            let korean = entry.msgstr.into_iter().chain(entry.msgstr_plural).find(|text| !text.is_empty())?;
            Some(((entry.msgid, entry.msgctxt), korean))
        };
        Self { korean: table.entries.into_iter().filter_map(entry).collect() }
    }
}

impl Translator for Words {
    fn translate<'a>(&'a self, text: &'a str, context: Option<&'a str>) -> Cow<'a, str> {
        if Language::current() == Language::English {
            return Cow::Borrowed(text);
        }
        let key = (text.to_owned(), context.map(str::to_owned));
        Cow::Borrowed(self.korean.get(&key).map_or(text, String::as_str))
    }

    /// Korean has one form for all numbers.
    fn ntranslate<'a>(&'a self, n: u64, one: &'a str, many: &'a str, context: Option<&'a str>) -> Cow<'a, str> {
        match self.translate(one, context) {
            korean if korean != one => korean,
            _ => Cow::Borrowed(if n == 1 { one } else { many }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_best_language_that_there_is_counts() {
        for (header, best) in [
            ("ko-KR,ko;q=0.9,en-US;q=0.8", Some(Language::Korean)),
            ("en-GB,ko;q=0.9", Some(Language::English)),
            ("ko;q=0.3, EN; q=0.4", Some(Language::English)),
            ("fr-FR,fr;q=0.9,ko;q=0.1", Some(Language::Korean)),
            ("ko,en", Some(Language::Korean)),
            ("ko;q=0,en;q=0.1", Some(Language::English)),
            ("kok,de;q=NaN,*", None),
            ("", None),
        ] {
            assert_eq!(Language::preferred(header), best, "{header:?}");
        }
    }

    #[test]
    fn the_language_of_the_context_decides_and_a_missing_text_stays_english() {
        LazyLock::force(&INSTALLED);
        let words = Words::of(rspolib::pofile(KOREAN).unwrap());
        let said = || (tr!("Payments"), words.translate("No Korean for this", None).into_owned());
        let owner = Owner::new();
        assert_eq!(owner.with(said), ("Payments".into(), "No Korean for this".into()));
        owner.with(|| provide_context(Language::Korean));
        assert_eq!(owner.with(said), ("결제".into(), "No Korean for this".into()));
    }

    #[test]
    fn what_is_not_translated_is_known_by_its_address() {
        for path in ["/", "/jobs", "/jobs/premake", "/partitions/plan"] {
            assert!(!is_translated(path), "{path}");
        }
        for path in ["/payments", "/payments/1", "/payments/export", "/payments/exports", "/login", "/jobsearch"] {
            assert!(is_translated(path), "{path}");
        }
    }
}
