//! The palette can be read, in light and in dark.

use std::collections::BTreeMap;

const CSS: &str = include_str!("../../../reports/report.css");

/// The colours of each theme: the dark one changes what it names.
fn themes() -> [BTreeMap<&'static str, [f64; 3]>; 2] {
    let (light, dark) = CSS.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let light = colors(light);
    let mut all = light.clone();
    all.extend(colors(dark.split_once("*, ::before").unwrap().0));
    [light, all]
}

fn colors(css: &'static str) -> BTreeMap<&'static str, [f64; 3]> {
    css.split("--")
        .skip(1)
        .filter_map(|rest| rest.split_once(": #"))
        .filter_map(|(name, value)| Some((name, color(value.split(';').next()?))))
        .collect()
}

fn color(hex: &str) -> [f64; 3] {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    let channel = |n: usize| match digits.as_slice() {
        [r, g, b] => [r, g, b][n] * 17,
        six => six[n * 2] * 16 + six[n * 2 + 1],
    };
    [0, 1, 2].map(|n| f64::from(channel(n)) / 255.0)
}

/// The contrast ratio of WCAG 2.
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    let luminance = |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b) + 0.05;
    let (a, b) = (luminance(a), luminance(b));
    a.max(b) / a.min(b)
}

#[test]
fn text_and_lines_stand_out_in_both_themes() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
    for (theme, colors) in ["light", "dark"].iter().zip(themes()) {
        let enough = |front: &str, back: &str, least: f64| {
            let ratio = contrast(colors[front], colors[back]);
            assert!(ratio >= least, "{theme}: {front} on {back} is {ratio:.2}, and needs {least}");
        };
        for back in ["page", "panel"] {
            ["ink", "muted", "accent", "pass", "fail", "warn"].iter().for_each(|text| enough(text, back, 4.5));
        }
        for state in ["pass", "fail", "warn"] {
            let tint = format!("{state}-tint");
            [state, "ink", "muted"].iter().for_each(|text| enough(text, &tint, 4.5));
        }
        for line in ["c1", "c2", "c3", "c4", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9", "e10", "e13"] {
            enough(line, "page", 3.0);
        }
    }
}
