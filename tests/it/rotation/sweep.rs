//! Killed at every journal record and at every boundary of a request, before it is served and after, and taken up to the
//! end; killed again and again; killed on the way back. A part of the points by default, all of them with
//! `VIGIE_CRASH_POINTS=all`.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use vigie::app::command::Command;
use vigie::journal::{RealDisk, Runs};
use vigie::runbook::machine::{Entry, Fact, RunState, Way};
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

    /// Killed there, taken up, and held against the oracle; whether it came to that point at all. Of several points the
    /// later ones are met by the consoles that take it up, with records counted from where it was found.
    async fn killed(self, points: &[Point], whole: Counts) -> bool {
        let case = format!("{self:?} killed at {points:?}");
        let platform = self.platform().await;
        let mut reached = true;
        for (turn, point) in points.iter().enumerate() {
            let (mut console, point) = if turn == 0 {
                (self.begin(&platform).await, *point)
            } else if reached && !self.judges(&platform) && ended(&platform).is_none() {
                (platform.console().await, counted_on(&platform, *point))
            } else {
                reached = false;
                break;
            };
            platform.arm(point);
            if turn == 0 {
                self.go(&mut console);
            } else {
                console.resume(&platform.run().unwrap());
            }
            let ending = console.until_over(&platform, Some(point)).await;
            drop(console);
            platform.faults().clear();
            platform.released().await;
            reached = matches!(ending, Ending::Killed);
            if platform.run().is_none() {
                assert!(reached, "{case}: {ending:?}");
                assert!(
                    crate::oracle::effective(&platform.running).is_empty(),
                    "{case}"
                );
                platform.as_before(&case);
                return points.len() == 1;
            }
        }
        self.taken_up(&platform, &case, whole).await && reached
    }

    /// Takes up what was killed until it is over; whether anything had been done.
    async fn taken_up(self, platform: &Platform, case: &str, whole: Counts) -> bool {
        let mut state = ended(platform);
        if state.is_none() {
            state = finished(platform, case).await;
        }
        let found = platform.examine(case);
        // Killed before it had said that it goes back, it does not: it judges for as long as it was told to.
        if state.is_none() && self.judges(platform) {
            return true;
        }
        let state = state.unwrap_or_else(|| panic!("{case}: {}", platform.story()));
        if state == RunState::Aborted && found.writes.is_empty() && found.vault.is_empty() {
            // A question before the first effect that nobody answered ends it there.
            platform.as_before(case);
            return true;
        }
        let left = self.judge(case, platform, &found, state);
        assert_eq!(left, whole, "{case}: exactly one change for each step");
        true
    }

    /// Whether a run that is to go back has not said so yet: it judges for as long as it was told to.
    fn judges(self, platform: &Platform) -> bool {
        let back = |entry: &Entry| matches!(entry.fact, Fact::RollingBack { .. });
        self == Self::Back && !entries(platform).iter().any(back)
    }
}

/// What stands in the journal.
fn entries(platform: &Platform) -> Vec<Entry> {
    let folder = platform.folder().unwrap();
    let (_, entries, _) = Runs::new(platform.state(), RealDisk).peek(&folder).unwrap();
    entries
}

/// A point of a console that takes a run up.
fn counted_on(platform: &Platform, point: Point) -> Point {
    match point {
        Point::Record(more) => Point::Record(entries(platform).len() + more),
        request @ Point::Request { .. } => request,
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
fn chosen<T>(points: Vec<T>, share: usize) -> Vec<T> {
    let all = std::env::var("VIGIE_CRASH_POINTS").is_ok_and(|many| many == "all");
    // An odd step, so that what comes in pairs or eights is not tried at the same place each time.
    let stride = if all {
        1
    } else {
        points.len().div_ceil(share) | 1
    };
    points.into_iter().step_by(stride).collect()
}

/// Every variant's points and what a whole run leaves.
async fn whole() -> Vec<(Variant, Vec<Point>, Counts)> {
    let variants = [
        Variant::Cutover,
        Variant::Overlap,
        Variant::External,
        Variant::Back,
    ];
    let whole = futures::future::join_all(variants.map(Variant::points)).await;
    let each = variants.into_iter().zip(whole);
    each.map(|(variant, (points, left))| (variant, points, left))
        .collect()
}

/// Tries them all, some at once, to the last whatever comes of one; how many came to their points.
async fn tried(cases: Vec<(Variant, Vec<Point>, Counts)>) -> (usize, usize) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for (variant, points, left) in cases {
        let turns = turns.clone();
        tasks.spawn(async move {
            let _turn = turns.acquire_owned().await.unwrap();
            variant.killed(&points, left).await
        });
    }
    let (mut reached, mut all, mut broken) = (0, 0, 0);
    while let Some(done) = tasks.join_next().await {
        all += 1;
        match done {
            Ok(came) => reached += usize::from(came),
            Err(_) => broken += 1,
        }
    }
    println!("{all} tried, {reached} reached, {broken} broken");
    assert_eq!(broken, 0, "of {all}; what each of them said stands above");
    (reached, all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn killed_at_any_record_or_request_it_ends_with_one_change_for_each_step() {
    let whole = whole().await;
    let listed: usize = whole.iter().map(|(_, points, _)| points.len()).sum();
    let mut cases = Vec::new();
    for (variant, points, left) in whole {
        println!("{variant:?}: {} points, {left:?}", points.len());
        let chosen = chosen(points, USUAL / 4).into_iter();
        cases.extend(chosen.map(|point| (variant, vec![point], left)));
    }
    assert!(listed >= 200, "only {listed} points");
    let (reached, all) = tried(cases).await;
    assert!(reached * 10 >= all * 8, "{reached} of {all} were reached");
}

/// Where a console that takes a run up is killed in its turn: as soon as it says so, at its first looks at what was left
/// in flight, and at its first change before and after it is served.
const SECOND: [Point; 8] = {
    const fn request(face: Face, method: &'static str, nth: u32, served: bool) -> Point {
        Point::Request {
            face,
            method,
            nth,
            served,
        }
    }
    [
        Point::Record(1),
        Point::Record(2),
        request(Face::Kubernetes, "GET", 2, false),
        request(Face::Kubernetes, "GET", 8, false),
        request(Face::Vault, "GET", 1, false),
        request(Face::Vault, "GET", 2, false),
        request(Face::Kubernetes, "PATCH", 1, false),
        request(Face::Kubernetes, "PATCH", 1, true),
    ]
};

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn killed_again_while_it_is_taken_up_it_changes_nothing_twice() {
    let mut pairs = Vec::new();
    for (variant, points, left) in whole().await {
        let changes = points.into_iter().filter(|point| {
            matches!(point, Point::Request { face, method, .. }
                if matches!(face, Face::Kubernetes | Face::Vault) && *method != "GET")
        });
        let both = changes.flat_map(|first| SECOND.map(|second| vec![first, second]));
        let both: Vec<_> = both.collect();
        println!("{variant:?}: {} pairs, {left:?}", both.len());
        let chosen = chosen(both, USUAL / 8).into_iter();
        pairs.extend(chosen.map(|pair| (variant, pair, left)));
    }
    let (reached, all) = tried(pairs).await;
    assert!(reached * 2 >= all, "{reached} of {all} were reached");
}
