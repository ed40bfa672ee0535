//! Addresses of resources. A server may serve what it does not list, so this
//! only warns.

use super::{Offer, Resources};
use crate::diag::Diagnostic;
use crate::diag::errors::live as errors;
use crate::model::ReadSite;

pub(super) fn check(site: &ReadSite, offer: &Offer) -> Option<Diagnostic> {
    let resources = offer.resources.as_ref()?;
    let (prefix, whole) = match site.uri.as_slice() {
        [Some(uri)] => (uri, true),
        [Some(prefix), ..] => (prefix, false),
        _ => return None,
    };
    let known = if whole { is_listed(resources, prefix) } else { may_be_listed(resources, prefix) };
    (!known).then(|| {
        let listed: Vec<String> = resources.uris.iter().chain(&resources.templates).cloned().collect();
        errors::unlisted_resource(prefix, whole, &offer.server, site.span, &listed)
    })
}

fn is_listed(resources: &Resources, uri: &str) -> bool {
    resources.uris.iter().any(|listed| listed == uri)
        || resources.templates.iter().any(|template| matches(template, uri))
}

/// Whether an address that begins like this may be one of those listed.
fn may_be_listed(resources: &Resources, prefix: &str) -> bool {
    let fixed = |template: &String| template.split('{').next().unwrap_or_default().to_owned();
    resources.uris.iter().any(|uri| uri.starts_with(prefix))
        || resources.templates.iter().map(fixed).any(|fixed| fixed.starts_with(prefix) || prefix.starts_with(&fixed))
}

/// Whether an address may come from a template (RFC 6570). An expression stands
/// for any text, also an empty one: rather one match too many.
fn matches(template: &str, uri: &str) -> bool {
    let mut parts = template.split('{');
    let Some(mut rest) = parts.next().and_then(|first| uri.strip_prefix(first)) else { return false };
    let literals: Vec<&str> = parts.map(|part| part.split_once('}').map_or("", |(_, literal)| literal)).collect();
    let Some((last, middle)) = literals.split_last() else { return rest.is_empty() };
    for literal in middle {
        match rest.find(literal) {
            Some(at) => rest = rest.get(at + literal.len()..).unwrap_or(""),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn an_expression_stands_for_any_text() {
        for (template, uri) in [
            ("rule://{id}", "rule://a/b"),
            ("x://{a}/{b}.md", "x://1/2/3.md"),
            ("x://{+path}", "x://"),
            ("x://list{?page,size}", "x://list?page=2"),
            ("x://same", "x://same"),
        ] {
            assert!(matches(template, uri), "{template} {uri}");
        }
        for (template, uri) in [("rule://{id}", "rules://a"), ("x://{a}/end", "x://a/en"), ("x://same", "x://same/")] {
            assert!(!matches(template, uri), "{template} {uri}");
        }
    }
}
