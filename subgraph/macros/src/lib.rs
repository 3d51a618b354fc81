//! `#[guarded]`: from the rule of a field, its guard and its directive. It moves tokens and knows no Rust syntax beyond
//! attributes; what the attributes mean is async-graphql's affair, which refuses a `requires` that was not rewritten.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// The attributes in which a rule may stand.
const ATTRIBUTES: [&str; 4] = ["ComplexObject", "Object", "Subscription", "graphql"];

/// Rewrites `requires(RULE)` in the attributes of async-graphql below it into a guard and a directive.
///
/// `requires(ONE, OTHER)` demands both. `requires(RULE => VALUE)` gives the guard a value of the call, an argument or
/// something of `self`; the rule must have a method `of` that takes it.
#[proc_macro_attribute]
pub fn guarded(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    rewrite(item)
}

fn rewrite(tokens: TokenStream) -> TokenStream {
    let mut after_hash = false;
    tokens
        .into_iter()
        .map(|tree| match tree {
            TokenTree::Group(group) => {
                let attribute = after_hash && group.delimiter() == Delimiter::Bracket;
                after_hash = false;
                let inner = if attribute { rewrite_attribute(group.stream()) } else { rewrite(group.stream()) };
                regroup(&group, inner)
            }
            other => {
                after_hash = is_punctuation(&other, '#');
                other
            }
        })
        .collect()
}

fn rewrite_attribute(tokens: TokenStream) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    match trees.as_slice() {
        [TokenTree::Ident(name), TokenTree::Group(arguments)] if ATTRIBUTES.contains(&name.to_string().as_str()) => {
            let arguments = regroup(arguments, expand(arguments.stream()));
            [trees[0].clone(), arguments].into_iter().collect()
        }
        _ => trees.into_iter().collect(),
    }
}

fn expand(arguments: TokenStream) -> TokenStream {
    let mut expanded = TokenStream::new();
    let mut trees = arguments.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match (&tree, trees.peek()) {
            (TokenTree::Ident(name), Some(TokenTree::Group(rules))) if name.to_string() == "requires" => {
                expanded.extend(guard_and_directives(rules.stream()));
                trees.next();
            }
            _ => expanded.extend([tree]),
        }
    }
    expanded
}

fn guard_and_directives(rules: TokenStream) -> TokenStream {
    let mut guard = TokenStream::new();
    let mut directives = TokenStream::new();
    for rule in split(rules, |trees| is_punctuation(&trees[0], ',').then_some(1)) {
        let mut halves = split(rule, |trees| {
            let arrow = trees.len() > 1 && is_punctuation(&trees[0], '=') && is_punctuation(&trees[1], '>');
            arrow.then_some(2)
        })
        .into_iter();
        let rule = halves.next().unwrap_or_default();
        let check = match halves.next() {
            Some(value) => {
                let mut check = TokenStream::from(parentheses(rule.clone()));
                check.extend(source(".of"));
                check.extend([parentheses(value)]);
                check
            }
            None => rule.clone(),
        };
        if guard.is_empty() {
            guard = parentheses(check).into();
        } else {
            guard.extend(source(".and"));
            guard.extend([parentheses(check)]);
        }
        let mut argument = source("&");
        argument.extend([parentheses(rule)]);
        directives.extend(source(", directive = requires::apply"));
        directives.extend([parentheses(argument)]);
    }
    let mut both = source("guard = ");
    both.extend(guard);
    both.extend(directives);
    both
}

/// The parts between separators, without an empty one at the end. `separator` says how many tokens one has.
fn split(tokens: TokenStream, separator: impl Fn(&[TokenTree]) -> Option<usize>) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut parts = Vec::new();
    let mut part = TokenStream::new();
    let mut position = 0;
    while position < trees.len() {
        match separator(&trees[position..]) {
            Some(length) => {
                parts.push(std::mem::take(&mut part));
                position += length;
            }
            None => {
                part.extend([trees[position].clone()]);
                position += 1;
            }
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

fn parentheses(tokens: TokenStream) -> TokenTree {
    Group::new(Delimiter::Parenthesis, tokens).into()
}

fn regroup(group: &Group, inner: TokenStream) -> TokenTree {
    let mut whole = Group::new(group.delimiter(), inner);
    whole.set_span(group.span());
    whole.into()
}

fn source(text: &str) -> TokenStream {
    text.parse().expect("a constant piece of Rust")
}

fn is_punctuation(tree: &TokenTree, character: char) -> bool {
    matches!(tree, TokenTree::Punct(punctuation) if punctuation.as_char() == character)
}
