//! Makes elements of the page equal to what the server renders now, with as few changes as possible.
//!
//! Invariant: what stays equal is not touched. Focus, selection, scroll positions, opened details and typed input are
//! properties of elements, and so survive. Elements are known by name, `id` and class; what comes or goes between them is put in or
//! taken out.

use leptos::wasm_bindgen::JsCast;
use web_sys::{Element, Node};

/// What people change in a page: the server does not know of it.
const OF_PEOPLE: [&str; 1] = ["open"];

/// Makes `old`, which is shown, equal to `new`, which is used up.
pub(crate) fn morph(old: &Node, new: &Node) {
    if old.is_equal_node(Some(new)) || is_island(old) {
        return;
    }
    match (old.dyn_ref::<Element>(), new.dyn_ref::<Element>()) {
        (Some(old), Some(new)) => morph_attributes(old, new),
        _ => old.set_node_value(new.node_value().as_deref()),
    }
    morph_children(old, new);
}

/// An island is alive: what the server renders is only its beginning.
fn is_island(node: &Node) -> bool {
    node.node_name() == "LEPTOS-ISLAND"
}

fn morph_attributes(old: &Element, new: &Element) {
    let names = |element: &Element| {
        element.get_attribute_names().iter().filter_map(|name| name.as_string()).collect::<Vec<_>>()
    };
    for name in names(new) {
        let value = new.get_attribute(&name);
        if value != old.get_attribute(&name) && !OF_PEOPLE.contains(&name.as_str()) {
            let _valid_as_it_was_parsed = old.set_attribute(&name, value.as_deref().unwrap_or_default());
        }
    }
    for name in names(old) {
        if !new.has_attribute(&name) && !OF_PEOPLE.contains(&name.as_str()) {
            let _valid_as_it_was_parsed = old.remove_attribute(&name);
        }
    }
}

fn morph_children(old: &Node, new: &Node) {
    for comment in siblings(old.first_child()).filter(is_comment).collect::<Vec<_>>() {
        let _removed = old.remove_child(&comment);
    }
    // Collected, since nodes that are new move over.
    let wanted: Vec<Node> = siblings(new.first_child()).filter(|node| !is_comment(node)).collect();
    let mut here = old.first_child();
    for (place, node) in wanted.iter().enumerate() {
        let Some(same) = here.clone().and_then(|here| counterpart(here, node, &wanted[place + 1..])) else {
            let _added = old.insert_before(node, here.as_ref());
            continue;
        };
        while let Some(passed) = here.filter(|passed| *passed != same) {
            here = passed.next_sibling();
            let _removed = old.remove_child(&passed);
        }
        here = same.next_sibling();
        morph(&same, node);
    }
    while let Some(rest) = here {
        here = rest.next_sibling();
        let _removed = old.remove_child(&rest);
    }
}

/// The node, `here` or after it, that becomes `wanted`; what stands between them goes. `None` when `wanted` is new.
fn counterpart(here: Node, wanted: &Node, later: &[Node]) -> Option<Node> {
    if alike(&here, wanted) {
        return Some(here);
    }
    if later.iter().any(|node| alike(&here, node)) {
        return None;
    }
    let further = siblings(here.next_sibling()).find(|node| node.is_instance_of::<Element>() && alike(node, wanted));
    let anonymous = attribute(&here, "id").is_none() && attribute(wanted, "id").is_none();
    further.or_else(|| (anonymous && here.node_name() == wanted.node_name()).then_some(here))
}

/// Are these two states of one thing, by all that is seen without looking inside?
fn alike(one: &Node, other: &Node) -> bool {
    let is_equal = |name| attribute(one, name) == attribute(other, name);
    one.node_name() == other.node_name() && is_equal("id") && (is_equal("class") || attribute(one, "id").is_some())
}

/// Properties would not do: a form's `id` is its field of that name, when it has one.
fn attribute(node: &Node, name: &str) -> Option<String> {
    node.dyn_ref::<Element>()?.get_attribute(name)
}

/// The renderer leaves them where something could be.
fn is_comment(node: &Node) -> bool {
    node.node_type() == Node::COMMENT_NODE
}

fn siblings(first: Option<Node>) -> impl Iterator<Item = Node> {
    std::iter::successors(first, Node::next_sibling)
}
