//! `vigie rollout history`: the revisions a workload can go back to, with what people ask of them: image, age, how long each
//! stood, who and why where anybody wrote it down.

use crate::app::App;
use crate::cli::document;
use crate::cli::exit::{Failed, UNKNOWN};
use crate::cli::print;
use crate::cli::reach;
use crate::cli::session::Session;
use crate::domain::pod::short;
use crate::domain::rollout::Revision;
use crate::domain::served::{Served, Trace, Until, served};
use crate::domain::uid::Uid;
use crate::domain::workload::{Workload, WorkloadKind, tag_of};
use crate::platform::kubernetes::Cluster;
use crate::ui::widget::text::sanitize;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// One revision as it is told.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    number: Option<u64>,
    name: String,
    images: Vec<String>,
    version: Option<String>,
    created: Option<Timestamp>,
    served: Served,
    trace: Trace,
    current: bool,
    ready: Option<(u32, u32)>,
    who: Option<String>,
    why: Option<String>,
    commit: Option<String>,
}

/// Prints it, newest first.
pub async fn print(session: &Session, uid: &Uid, json: bool) -> Result<u8, Failed> {
    let app = &session.app;
    let workload = app
        .cluster
        .workload(uid)
        .ok_or_else(|| Failed::new(UNKNOWN, "the workload is gone"))?;
    let mut lines = if workload.kind == WorkloadKind::Deployment {
        replica_sets(app, workload)
    } else {
        let cluster = &session.engine.outside().cluster;
        let found = controller_revisions(cluster, workload).await;
        found.map_err(|failure| Failed::new(UNKNOWN, reach::sentence(&failure)))?
    };
    time(&mut lines);
    print::text(&if json {
        let lines: Vec<Value> = lines.iter().map(|line| line.json(app.now)).collect();
        let workload = document::workload(app, workload);
        print::line(
            &json!({"schema": 1, "at": document::time(Some(app.now)), "target": document::target(app), "workload": workload, "revisions": lines}),
        )
    } else {
        table(workload, &lines, app.now)
    })
}

/// The revision that serves and since when, of a kind whose numbers only its history has.
pub async fn serving(session: &Session, workload: &Workload) -> Option<(u64, Option<Timestamp>)> {
    if workload.kind == WorkloadKind::Deployment {
        return None;
    }
    let cluster = &session.engine.outside().cluster;
    let mut lines = controller_revisions(cluster, workload).await.ok()?;
    time(&mut lines);
    let current = lines.iter().find(|line| line.current)?;
    Some((current.number?, current.served.from))
}

fn replica_sets(app: &App, workload: &Workload) -> Vec<Line> {
    let revisions = app.cluster.revisions_of(workload);
    let line = |revision: &&Revision| {
        let current = revision.number.is_some() && revision.number == workload.revision;
        let writer = workload.writer.as_ref().filter(|_| current);
        Line {
            number: revision.number,
            name: revision.name.to_string(),
            images: revision
                .images
                .iter()
                .map(|one| one.image.to_string())
                .collect(),
            version: revision.version_name().map(str::to_owned),
            created: revision.created,
            served: Served::default(),
            trace: Trace::of(revision),
            current,
            ready: Some((revision.ready, revision.desired)),
            who: writer.map(|writer| writer.name.to_string()),
            why: revision.change_cause.as_deref().map(str::to_owned),
            commit: revision.commit.as_deref().map(str::to_owned),
        }
    };
    revisions.iter().map(line).collect()
}

async fn controller_revisions(
    cluster: &Cluster,
    workload: &Workload,
) -> Result<Vec<Line>, crate::platform::failure::Failure> {
    let found = cluster
        .controller_revisions(&workload.namespace, &workload.uid.to_string())
        .await?;
    let newest = found.first().map(|revision| revision.number);
    let line = |revision: &crate::platform::kubernetes::read::ControllerRevision| {
        let template = &revision.data["spec"]["template"];
        let containers = template["spec"]["containers"].as_array();
        let images: Vec<String> = containers
            .into_iter()
            .flatten()
            .filter_map(|container| container["image"].as_str().map(str::to_owned))
            .collect();
        let label = template["metadata"]["labels"]["version"].as_str();
        let tag = images.first().map(|image| tag_of(image));
        let cause = &template["metadata"]["annotations"]["kubernetes.io/change-cause"];
        Line {
            number: Some(revision.number),
            name: revision.name.to_string(),
            version: label.or(tag).map(str::to_owned),
            images,
            created: revision.created,
            served: Served::default(),
            trace: Trace {
                number: i64::try_from(revision.number).ok(),
                created: revision.created,
                pods: u32::from(newest == Some(revision.number)),
                ..Trace::default()
            },
            current: newest == Some(revision.number),
            ready: None,
            who: None,
            why: cause.as_str().map(str::to_owned),
            commit: None,
        }
    };
    Ok(found.iter().map(line).collect())
}

/// When each served, by what its object tells.
fn time(lines: &mut [Line]) {
    let traces: Vec<Trace> = lines.iter().map(|line| line.trace).collect();
    for (line, times) in lines.iter_mut().zip(served(&traces)) {
        line.served = times;
    }
}

impl Line {
    fn json(&self, now: Timestamp) -> Value {
        let age = self
            .created
            .map(|at| now.duration_since(at).as_secs().max(0));
        let until = match self.served.until {
            Until::At(at) => Some(at),
            Until::Now | Until::Unknown => None,
        };
        json!({
            "revision": self.number, "name": self.name, "images": self.images, "version": self.version, "current": self.current,
            "created": document::time(self.created), "age_s": age, "stood_s": self.length(now).map(|time| time.as_secs()),
            "served_from": document::time(self.served.from), "served_until": document::time(until), "took_over": self.served.took_over,
            "ready": self.ready.map(|(ready, _)| ready), "desired": self.ready.map(|(_, desired)| desired),
            "by": self.who, "change_cause": self.why, "commit": self.commit,
        })
    }

    fn length(&self, now: Timestamp) -> Option<SignedDuration> {
        self.served.length(now)
    }

    fn cells(&self, now: Timestamp) -> [String; 8] {
        let known = |value: Option<String>| value.unwrap_or_else(|| "–".into());
        let mark = if self.current { "*" } else { "" };
        [
            format!("{}{mark}", known(self.number.map(|n| n.to_string()))),
            known(self.version.clone()),
            known(self.created.map(|at| short(now.duration_since(at)))),
            if self.served.took_over == Some(false) {
                "never".to_owned()
            } else {
                known(self.length(now).map(short))
            },
            known(
                self.ready
                    .map(|(ready, desired)| format!("{ready}/{desired}")),
            ),
            known(self.who.clone()),
            // The word that kubectl uses for nothing.
            self.why.clone().unwrap_or_else(|| "<none>".into()),
            self.images.join(", "),
        ]
        .map(|cell| sanitize(&cell).into_owned())
    }
}

const HEADS: [&str; 8] = [
    "REVISION",
    "VERSION",
    "AGE",
    "SERVED",
    "READY",
    "BY",
    "CHANGE-CAUSE",
    "IMAGES",
];

fn table(workload: &Workload, lines: &[Line], now: Timestamp) -> String {
    let mut rows = vec![HEADS.map(str::to_owned)];
    rows.extend(lines.iter().map(|line| line.cells(now)));
    let widths: Vec<usize> = (0..HEADS.len())
        .map(|at| {
            rows.iter()
                .map(|row| row[at].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let head = format!(
        "{}.apps/{}\n",
        workload.kind.name().to_lowercase(),
        workload.name
    );
    let body = rows.iter().map(|row| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    });
    let foot = if lines.is_empty() {
        "no revisions are kept\n"
    } else {
        "* serves now; SERVED is from a revision's creation until its last pod went or the next was made\n"
    };
    head + &body.collect::<String>() + foot
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64, created: Option<i64>) -> Line {
        Line {
            number: Some(number),
            name: format!("x-{number}"),
            images: vec!["r/x:v1".into()],
            version: Some("v1".into()),
            created: created.map(|s| Timestamp::from_second(s).unwrap()),
            served: Served::default(),
            trace: Trace {
                number: Some(number as i64),
                created: created.map(|s| Timestamp::from_second(s).unwrap()),
                ..Trace::default()
            },
            current: false,
            ready: None,
            who: None,
            why: None,
            commit: None,
        }
    }

    #[test]
    fn a_revision_served_until_the_next_and_a_returned_one_is_not_known() {
        let mut lines = [
            line(4, Some(100)),
            line(3, Some(300)),
            line(2, Some(200)),
            line(1, None),
        ];
        lines[0].trace.returned = true;
        lines[0].trace.pods = 3;
        time(&mut lines);
        let times: Vec<_> = lines
            .iter()
            .map(|line| line.length(Timestamp::from_second(400).unwrap()))
            .map(|time| time.map(|t| t.as_secs()))
            .collect();
        assert_eq!(times, [None, None, Some(100), None]);
    }

    #[test]
    fn hostile_words_of_a_cluster_do_not_reach_the_terminal() {
        let mut hostile = line(1, Some(0));
        hostile.why = Some("\x1b]0;owned\x07".into());
        let cells = hostile.cells(Timestamp::from_second(60).unwrap());
        assert!(
            cells.iter().all(|cell| !cell.contains(['\x1b', '\x07'])),
            "{cells:?}"
        );
        assert_eq!((cells[0].as_str(), cells[2].as_str()), ("1", "60 s"));
    }
}
