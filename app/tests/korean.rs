//! The Korean table and the code say the same: every text in `tr!` has its translation, and none is left over.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The one file whose texts are elsewhere: in `payhist_islands::WORDS`.
const OF_THE_BROWSER: &str = "components/browser_words.rs";

/// Context, text, its plural.
type Key = (Option<String>, String, Option<String>);

fn app() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let (dirs, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let within = dirs.iter().flat_map(|dir| rust_files(dir));
    files.into_iter().filter(|path| path.extension().is_some_and(|it| it == "rs")).chain(within).collect()
}

/// Texts of the literals in `tr!(…)`, with what stands between them. Within `view!` there are tokens only, so tokens are read.
fn collect(tokens: TokenStream, file: &Path, keys: &mut BTreeSet<Key>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let is_tr = at >= 2
            && matches!(&tokens[at - 1], TokenTree::Punct(mark) if mark.as_char() == '!')
            && matches!(&tokens[at - 2], TokenTree::Ident(name) if name == "tr");
        if is_tr && group.delimiter() == Delimiter::Parenthesis && !file.ends_with(OF_THE_BROWSER) {
            let key = key_of(group.stream());
            keys.insert(key.unwrap_or_else(|| panic!("{}: tr!({}) has no literal", file.display(), group.stream())));
        }
        collect(group.stream(), file, keys);
    }
}

/// `"text"`, `"one" | "many" % n`, `"context" => "text"`.
fn key_of(tokens: TokenStream) -> Option<Key> {
    let mut tokens = tokens.into_iter();
    let first = literal(&tokens.next()?)?;
    let rest: Vec<_> = tokens.take(3).collect();
    match rest.as_slice() {
        [TokenTree::Punct(mark), many, ..] if mark.as_char() == '|' => Some((None, first, Some(literal(many)?))),
        [TokenTree::Punct(mark), _, text] if mark.as_char() == '=' => Some((Some(first), literal(text)?, None)),
        _ => Some((None, first, None)),
    }
}

fn literal(token: &TokenTree) -> Option<String> {
    let text = token.to_string();
    Some(text.strip_prefix('"')?.strip_suffix('"')?.replace("\\\"", "\"").replace("\\\\", "\\"))
}

fn used() -> BTreeSet<Key> {
    let mut keys: BTreeSet<_> = payhist_islands::WORDS.map(|text| (None, text.to_owned(), None)).into();
    for file in rust_files(&app().join("src")) {
        collect(fs::read_to_string(&file).unwrap().parse().unwrap(), &file, &mut keys);
    }
    assert!(keys.len() > 100, "the texts are found: {keys:?}");
    keys
}

fn table() -> rspolib::POFile {
    rspolib::pofile(app().join("languages/ko.po").to_str().unwrap()).unwrap()
}

#[test]
fn every_text_has_its_korean_and_no_korean_is_left_over() {
    let (used, table) = (used(), table());
    let known: BTreeSet<Key> = table
        .entries
        .iter()
        .map(|entry| (entry.msgctxt.clone(), entry.msgid.clone(), entry.msgid_plural.clone()))
        .collect();
    let missing: Vec<_> = used.difference(&known).collect();
    let left_over: Vec<_> = known.difference(&used).collect();
    assert!(missing.is_empty(), "without Korean: {missing:#?}");
    assert!(left_over.is_empty(), "no longer used: {left_over:#?}");
    assert_eq!(known.len(), table.entries.len(), "each text has one entry");
}

#[test]
fn every_korean_text_is_there_and_has_the_places_of_the_english_one() {
    for entry in table().entries {
        let translations =
            if entry.msgid_plural.is_some() { entry.msgstr_plural } else { vec![entry.msgstr.unwrap_or_default()] };
        assert_eq!(translations.len(), 1, "Korean has no plural: {}", entry.msgid);
        let korean = &translations[0];
        assert!(!korean.is_empty() && entry.flags.is_empty(), "not translated, or not finished: {}", entry.msgid);
        let english = entry.msgid_plural.unwrap_or(entry.msgid);
        assert_eq!(places(korean), places(&english), "{english:?} → {korean:?}");
    }
}

/// What is filled in, `{}` by its number, in no order.
fn places(text: &str) -> BTreeSet<String> {
    let mut next = 0;
    let names = text.split('{').skip(1).map(|part| part.split('}').next().unwrap().to_owned());
    let numbered = names.map(|name| {
        if name.is_empty() {
            next += 1;
            return (next - 1).to_string();
        }
        name
    });
    numbered.collect()
}
