//! Metrics that belong to the whole run and to no selection: of the load generator,
//! of the processes of servers, of groups, and of the file's own.

use super::lower::Lowering;
use super::path::{Head, Part, Path};
use crate::diag::errors;
use crate::plan::{Metric, MetricRef, Plan, Selection};
use crate::syntax::ast;

/// What is known of the processes of a server.
const OF_SERVERS: [&str; 3] = ["cpu", "rss", "fds"];

/// Whether a path is `server.cpu` or alike, of all servers together. A scenario,
/// flow or step may be called `server` too.
pub(super) fn is_of_servers(path: &Path) -> bool {
    matches!(&path.head, Head::Name(name) if name.text == "server")
        && path.parts.first().is_some_and(|part| OF_SERVERS.contains(&part.text.as_str()))
}

impl Lowering<'_> {
    /// `generator.lag.p99`
    pub(super) fn generator(
        &mut self,
        expr: &ast::Expr,
        rest: &mut std::slice::Iter<'_, Part>,
        path: &Path,
    ) -> Option<Option<MetricRef>> {
        let part = self.next_metric(rest, path)?;
        let metric = match part.text.as_str() {
            "lag" => Metric::GeneratorLag,
            "cpu" => Metric::GeneratorCpu,
            "rss" => Metric::GeneratorRss,
            _ => {
                let known = ["lag", "cpu", "rss"].map(str::to_owned);
                self.out.push(errors::names::unknown_metric(&part.text, part.span, &known));
                return None;
            }
        };
        let statistic = self.statistic(&metric, part, rest.next())?;
        self.end(path, rest)?;
        let source = self.written(expr.span());
        Some(Some(MetricRef { source, selection: Selection::default(), metric, statistic }))
    }

    /// `group("open a page").p95`
    pub(super) fn group_metric(
        &mut self,
        expr: &ast::Expr,
        path: &Path,
        name: &Part,
        complete: bool,
    ) -> Option<Option<MetricRef>> {
        let Some(group) = self.groups.iter().position(|known| *known == name.text) else {
            if complete {
                let known = self.groups.clone();
                self.out.push(errors::names::unknown_selector("group", &name.text, name.span, &known));
                return None;
            }
            return Some(None);
        };
        let owner = format!("group(\"{}\")", name.text);
        self.whole_metric(expr, path, Metric::Group { group }, owner)
    }

    /// `hits.mean`: a metric of the file's own.
    pub(super) fn measured(&mut self, expr: &ast::Expr, path: &Path, name: &Part) -> Option<Option<MetricRef>> {
        let measure = self.measures.iter().position(|(measure, _)| measure.name == name.text)?;
        let dimension = self.measures.get(measure).map(|(measure, _)| measure.dimension)?;
        self.whole_metric(expr, path, Metric::Measure { measure, dimension }, name.text.clone())
    }

    /// A metric that belongs to no selection.
    fn whole_metric(
        &mut self,
        expr: &ast::Expr,
        path: &Path,
        metric: Metric,
        owner: String,
    ) -> Option<Option<MetricRef>> {
        let owner = Part { text: owner, span: path.span };
        let mut rest = path.parts.iter();
        let statistic = self.statistic(&metric, &owner, rest.next())?;
        self.end(path, &mut rest)?;
        let source = self.written(expr.span());
        Some(Some(MetricRef { source, selection: Selection::default(), metric, statistic }))
    }

    /// `server.rss.max`, `server("docs").cpu.mean`
    pub(super) fn server_metric(
        &mut self,
        expr: &ast::Expr,
        path: &Path,
        name: Option<&Part>,
        plan: &Plan,
        complete: bool,
    ) -> Option<Option<MetricRef>> {
        let mut rest = path.parts.iter();
        let part = self.next_metric(&mut rest, path)?;
        let server = match name {
            None => None,
            Some(name) => match plan.servers.iter().position(|server| server.name == name.text) {
                Some(server) => Some(server),
                None if !complete => return Some(None),
                None => {
                    let known: Vec<String> = plan.servers.iter().map(|server| server.name.clone()).collect();
                    self.out.push(errors::names::unknown_selector("server", &name.text, name.span, &known));
                    return None;
                }
            },
        };
        let metric = match part.text.as_str() {
            "cpu" => Metric::ServerCpu { server },
            "rss" => Metric::ServerRss { server },
            "fds" => Metric::ServerFds { server },
            _ => {
                let known = OF_SERVERS.map(str::to_owned);
                let diagnostic = errors::names::unknown_metric(&part.text, part.span, &known);
                let is_far = diagnostic.fix.is_none();
                self.out.push(if is_far { diagnostic.help("write `cpu`, `rss` or `fds`") } else { diagnostic });
                return None;
            }
        };
        let statistic = self.statistic(&metric, part, rest.next())?;
        self.end(path, &mut rest)?;
        let mut asked =
            plan.servers.iter().enumerate().filter(|(index, _)| server.is_none_or(|server| server == *index));
        if complete && !asked.any(|(_, server)| server.is_watched()) {
            self.out.push(errors::names::not_watched(&part.text, part.span));
            return None;
        }
        let source = self.written(expr.span());
        Some(Some(MetricRef { source, selection: Selection::default(), metric, statistic }))
    }
}
