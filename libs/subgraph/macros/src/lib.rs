//! The macro `#[guarded]`, which turns the rule of a field into its guard and its directive. It moves tokens and parses
//! only attributes. async-graphql interprets the attributes, and rejects an `access` that was not rewritten.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// Attributes that may contain a rule.
const ATTRIBUTES: [&str; 3] = ["Object", "Subscription", "graphql"];

/// Rewrites `access(RULE)` in the attributes of async-graphql to a guard and a directive.
///
/// `access(ONE, OTHER)` demands both rules. `access(RULE => VALUE)` passes a value to the guard, an argument or a part
/// of `self`. The rule must have a method `of` that takes it.
///
/// async-graphql does not apply the guard of a type to the fields of its `#[ComplexObject]`. A rule next to `complex`
/// would seem to cover them. Therefore it is not rewritten and does not compile: the fields need their own rules.
#[proc_macro_attribute]
pub fn guarded(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    rewrite(item)
}

fn rewrite(tokens: TokenStream) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    // An item can have several attributes.
    let complex = trees.iter().any(|tree| matches!(tree, TokenTree::Group(group) if is_complex(group.stream())));
    let mut after_hash = false;
    trees
        .into_iter()
        .map(|tree| match tree {
            TokenTree::Group(group) => {
                let attribute = after_hash && group.delimiter() == Delimiter::Bracket;
                after_hash = false;
                match attribute {
                    true if complex => group.into(),
                    true => regroup(&group, rewrite_attribute(group.stream())),
                    false => regroup(&group, rewrite(group.stream())),
                }
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
    match arguments_of(&trees) {
        Some(arguments) => [trees[0].clone(), regroup(arguments, expand(arguments.stream()))].into_iter().collect(),
        None => trees.into_iter().collect(),
    }
}

/// Returns whether this is the attribute of a type with a `#[ComplexObject]`.
fn is_complex(attribute: TokenStream) -> bool {
    let trees: Vec<TokenTree> = attribute.into_iter().collect();
    let says_so = |tree| matches!(tree, TokenTree::Ident(name) if name.to_string() == "complex");
    arguments_of(&trees).is_some_and(|arguments| arguments.stream().into_iter().any(says_so))
}

/// Returns the arguments of an attribute that may contain a rule.
fn arguments_of(attribute: &[TokenTree]) -> Option<&Group> {
    match attribute {
        [TokenTree::Ident(name), TokenTree::Group(arguments)] if ATTRIBUTES.contains(&name.to_string().as_str()) => {
            Some(arguments)
        }
        _ => None,
    }
}

fn expand(arguments: TokenStream) -> TokenStream {
    let mut expanded = TokenStream::new();
    let mut trees = arguments.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match (&tree, trees.peek()) {
            (TokenTree::Ident(name), Some(TokenTree::Group(rules))) if name.to_string() == "access" => {
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
        directives.extend(source(", directive = access::apply"));
        directives.extend([parentheses(argument)]);
    }
    let mut both = source("guard = ");
    both.extend(guard);
    both.extend(directives);
    both
}

/// Splits tokens at separators, without an empty part at the end. `separator` returns the number of tokens of a
/// separator.
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
