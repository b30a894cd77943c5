//! Killed at every journal record and at every boundary of a request, before it is served and after, and taken up to the
//! end; killed again and again; killed on the way back. A part of the points by default, all of them with
//! `VIGIE_CRASH_POINTS=all`.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use vigie::app::command::Command;
use vigie::journal::{RealDisk, Runs};
use vigie::runbook::machine::{Fact, RunState, Way};
use vigie::sim::fault::Face;

use super::bench::{Console, Ending, Platform, Point, may_look_again};
use super::whole::over;
use crate::oracle::Found;

/// So many are tried unless all are asked for.
const USUAL: usize = 48;
/// So many at once: most of the time of each is waiting.
const AT_ONCE: usize = 4;

/// What is rotated, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Cutover,
    Overlap,
    External,
    Back,
}

/// What one whole run leaves: versions of Vault, writes of the Secret or of its owner, restarts.
type Counts = (usize, usize, usize);

impl Variant {
    fn set(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Cutover | Self::External => &[],
            Self::Overlap => &[("strategy", "overlap")],
            Self::Back => &[("hold", "20m")],
        }
    }

    async fn platform(self) -> Platform {
        let platform = Platform::new().await;
        if self == Self::Overlap {
            platform.accept_two_keys().await;
        }
        if self == Self::External {
            platform.hand_to_external_secrets("Periodic").await;
        }
        platform
    }

    /// Brings a console to where the points begin.
    async fn begin(self, platform: &Platform) -> Console {
        let mut console = platform.console().await;
        if self != Self::Back {
            return console;
        }
        console.begin(self.set());
        let judges =
            |fact: &Fact| matches!(fact, Fact::Started { step } if step.ends_with("/well"));
        console
            .until("it judges", |runs| {
                runs.entries.iter().any(|entry| judges(&entry.fact))
            })
            .await;
        console
    }

    /// What is done from there on.
    fn go(self, console: &mut Console) {
        if self == Self::Back {
            console.command(Command::RollBackRun {
                reason: "a test".into(),
            });
        } else {
            console.begin(self.set());
        }
    }

    fn judge(self, case: &str, platform: &Platform, found: &Found, state: RunState) -> Counts {
        match self {
            Self::Back => {
                assert_eq!(state, RunState::RolledBack, "{case}: {}", platform.story());
                platform.as_before(case);
            }
            _ => {
                assert_eq!(state, RunState::Succeeded, "{case}: {}", platform.story());
                platform.rotated(case, found);
            }
        }
        (
            found.vault.len(),
            found.count("secrets/"),
            found.count("/deployments/"),
        )
    }

    /// One run to its end, and every point of it.
    async fn points(self) -> (Vec<Point>, Counts) {
        let platform = self.platform().await;
        let mut console = self.begin(&platform).await;
        let known = console.app.runs.entries.len();
        platform.faults().take_asked();
        self.go(&mut console);
        let ending = console.until_over(&platform, None).await;
        let wanted = if self == Self::Back {
            RunState::RolledBack
        } else {
            RunState::Succeeded
        };
        over(ending, &platform, wanted);
        let mut counts: BTreeMap<(u8, &'static str), u32> = BTreeMap::new();
        for (face, line) in platform.faults().take_asked() {
            let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
            let method = methods.into_iter().find(|method| line.starts_with(method));
            *counts.entry((face as u8, method.unwrap())).or_default() += 1;
        }
        let found = platform.examine("whole");
        let mut points: Vec<Point> = (known + 1..=found.entries.len())
            .map(Point::Record)
            .collect();
        for ((face, method), many) in counts {
            let faces = [
                Face::Kubernetes,
                Face::Prometheus,
                Face::Alertmanager,
                Face::Vault,
            ];
            let face = faces.into_iter().find(|one| *one as u8 == face).unwrap();
            for nth in 1..=many {
                let at = |served| Point::Request {
                    face,
                    method,
                    nth,
                    served,
                };
                points.push(at(false));
                // A question that was answered and whose answer is lost is a question that was not asked.
                if method != "GET" && face != Face::Prometheus {
                    points.push(at(true));
                }
            }
        }
        let left = self.judge("whole", &platform, &found, wanted);
        (points, left)
    }

    /// Killed there, taken up, and held against the oracle; whether it came to that point at all.
    async fn killed(self, point: Point, whole: Counts) -> bool {
        let case = format!("{self:?} killed at {point:?}");
        let platform = self.platform().await;
        let mut console = self.begin(&platform).await;
        platform.arm(point);
        self.go(&mut console);
        let ending = console.until_over(&platform, Some(point)).await;
        drop(console);
        platform.faults().clear();
        platform.released().await;
        let reached = matches!(ending, Ending::Killed);
        if platform.run().is_none() {
            assert!(reached, "{case}: {ending:?}");
            assert!(
                crate::oracle::effective(&platform.running).is_empty(),
                "{case}"
            );
            platform.as_before(&case);
            return true;
        }
        let mut state = ended(&platform);
        if state.is_none() {
            state = finished(&platform, &case).await;
        }
        let found = platform.examine(&case);
        // Killed before it had said that it goes back, it does not: it judges for as long as it was told to.
        if self == Self::Back && state.is_none() {
            let went = found
                .entries
                .iter()
                .any(|entry| matches!(entry.fact, Fact::RollingBack { .. }));
            assert!(!went, "{case}: {}", platform.story());
            return true;
        }
        let state = state.unwrap_or_else(|| panic!("{case}: {}", platform.story()));
        if state == RunState::Aborted && found.writes.is_empty() && found.vault.is_empty() {
            // A question before the first effect that nobody answered ends it there.
            platform.as_before(&case);
            return reached;
        }
        let left = self.judge(&case, &platform, &found, state);
        assert_eq!(left, whole, "{case}: exactly one change for each step");
        reached
    }
}

/// The state of a run that was over before it was killed.
fn ended(platform: &Platform) -> Option<RunState> {
    let (listed, _) = Runs::new(platform.state(), RealDisk).list();
    listed[0].ended.map(|_| listed[0].state)
}

/// Takes a run up until it is over; none where it still judges.
async fn finished(platform: &Platform, case: &str) -> Option<RunState> {
    let run = platform.run().unwrap();
    let mut console = platform.console().await;
    console.resume(&run);
    for _ in 0..6 {
        if console.judges_for_long().await {
            break;
        }
        match console.until_over(platform, None).await {
            Ending::Over(end) => return Some(end.state),
            Ending::Asks(human) if may_look_again(&human) => console.decide(Way::Again),
            Ending::Refused(why) => panic!("{case}: {why}\n{}", platform.story()),
            other => panic!("{case}: {other:?}\n{}", console.story()),
        }
    }
    drop(console);
    platform.released().await;
    None
}

/// The points that are tried: all of them, or every n-th.
fn chosen(points: Vec<Point>, share: usize) -> Vec<Point> {
    let all = std::env::var("VIGIE_CRASH_POINTS").is_ok_and(|many| many == "all");
    let stride = if all { 1 } else { points.len().div_ceil(share) };
    points.into_iter().step_by(stride).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn killed_at_any_record_or_request_it_ends_with_one_change_for_each_step() {
    let mut tasks = JoinSet::new();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let variants = [
        Variant::Cutover,
        Variant::Overlap,
        Variant::External,
        Variant::Back,
    ];
    let whole = futures::future::join_all(variants.map(Variant::points)).await;
    let listed: usize = whole.iter().map(|(points, _)| points.len()).sum();
    for (variant, (points, whole)) in variants.into_iter().zip(whole) {
        println!("{variant:?}: {} points, {whole:?}", points.len());
        for point in chosen(points, USUAL / 4) {
            let turns = turns.clone();
            tasks.spawn(async move {
                let _turn = turns.acquire_owned().await.unwrap();
                variant.killed(point, whole).await
            });
        }
    }
    assert!(listed >= 200, "only {listed} points");
    let (mut reached, mut all) = (0, 0);
    while let Some(done) = tasks.join_next().await {
        reached += usize::from(done.unwrap());
        all += 1;
    }
    println!("{listed} points, {all} tried, {reached} reached");
    assert!(reached * 10 >= all * 8, "{reached} of {all} were reached");
}
