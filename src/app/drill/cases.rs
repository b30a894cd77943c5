//! What can be rehearsed: for each case what the page said, what is true, what helps, what does not and what would have
//! told, and the shortest way. Plain data; which simulated world shows it is for `cli` to say.
//!
//! Length: the cases are one table, each with its whole text.

/// The world a case plays in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A release fails a share of its requests.
    BadRelease,
    /// A release ends over and over.
    CrashLoop,
    /// A release's image is not there.
    ImageMissing,
    /// What a service depends on has become slow.
    SlowDependency,
    /// All pods of a service are stuck.
    StuckPool,
    /// One pod of a service is stuck.
    StuckPod,
    /// More traffic than the pods can carry.
    Rush,
    /// Nothing is wrong.
    Healthy,
    /// Nothing is wrong, and services read a second signing key.
    TwoKeys,
    /// Nothing is wrong, and External Secrets keeps the Secret.
    External,
}

/// Something that happens in the world once the trainee has come so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twist {
    /// Others mend the cause this many seconds after it was recognised.
    Mended(i64),
    /// Somebody writes to the same path of Vault after the run's first change.
    VaultMoves,
}

/// When a case is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The service is within its limits again.
    Recover,
    /// A run that fits has done what it could: it ended, and not before it changed or recorded something.
    Finish,
    /// A run that fits stopped before its first effect, and nothing else was tried instead.
    StopInTime,
}

/// A runbook that fits, with the parameters it must have to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cure {
    /// Its id.
    pub runbook: &'static str,
    /// Parameters, as they are shown.
    pub with: &'static [(&'static str, &'static str)],
}

/// A runbook that does not fit, and what would have told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vain {
    /// Its id.
    pub runbook: &'static str,
    /// The sentence.
    pub told: &'static str,
}

/// One leg of the shortest way: the name of its key in the table of keys, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// The key's name; empty where no key is needed.
    pub key: &'static str,
    /// What is done.
    pub words: &'static str,
}

/// One thing to rehearse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Its name in the record of drills; never on a screen.
    pub id: &'static str,
    /// The world.
    pub stage: Stage,
    /// The runbooks whose drill it may be.
    pub fits: &'static [&'static str],
    /// The workload it is about.
    pub subject: &'static str,
    /// What the page said.
    pub page: &'static str,
    /// What is wanted of the trainee.
    pub wanted: &'static str,
    /// When it is done.
    pub goal: Goal,
    /// What helps.
    pub cures: &'static [Cure],
    /// What does not.
    pub vain: &'static [Vain],
    /// What was true.
    pub truth: &'static str,
    /// The shortest way.
    pub shortest: &'static [Leg],
    /// The runbook to read afterwards.
    pub read: &'static str,
    /// What happens on the way.
    pub twist: Option<Twist>,
}

const fn leg(key: &'static str, words: &'static str) -> Leg {
    Leg { key, words }
}

const fn plain(runbook: &'static str) -> Cure {
    Cure { runbook, with: &[] }
}

const fn vain(runbook: &'static str, told: &'static str) -> Vain {
    Vain { runbook, told }
}

const NOTHING_RELEASED: Vain = vain(
    "rollback",
    "Nothing was released before the trouble: what changed, on the overview, and the runbooks' own sentence say so.",
);
const COMES_BACK: &str =
    "The new revision fails whichever pod runs it: old against new, in the rollout, shows it.";

const RELEASE_WAY: [Leg; 4] = [
    leg("explain", "why the service fails, and since when"),
    leg(
        "rollout",
        "old against new: the trouble is the new revision's",
    ),
    leg("runbooks", "rollback, suggested and filled in"),
    leg(
        "answer",
        "choose, read the difference, say yes, wait for the gate",
    ),
];

/// Where nothing is wrong: the screens, each explained.
pub const FIRST: Case = Case {
    id: "first",
    stage: Stage::Healthy,
    fits: &[],
    subject: "veza-backend",
    page: "No page: nothing is wrong tonight.",
    wanted: "Look around, then begin the runbook on veza-backend and take it as far as you like. Every screen says what it is for; nothing you do here is held against you.",
    goal: Goal::Finish,
    cures: &[],
    vain: &[],
    truth: "Nothing was wrong. The next drill has a fault.",
    shortest: &[
        leg("explain", "why a service is judged as it is"),
        leg("rollout", "its revisions, old against new"),
        leg(
            "runbooks",
            "the shelf; enter reads one, and again begins it",
        ),
        leg("run-why", "why the present step is there"),
    ],
    read: "rollback",
    twist: None,
};

/// Every case with a fault.
pub const CASES: [Case; 12] = [
    Case {
        id: "bad-release",
        stage: Stage::BadRelease,
        fits: &["rollback", "incident", "canary-ramp", "blue-green"],
        subject: "veza-backend",
        page: "[FIRING] HighErrorRate veza-backend, critical: more than 5 % of requests to veza-backend fail",
        wanted: "Bring the service back within its limits.",
        goal: Goal::Recover,
        cures: &[plain("rollback")],
        vain: &[
            vain("restart", COMES_BACK),
            vain("scale", COMES_BACK),
            vain("delete-pod", COMES_BACK),
            vain("evict-pod", COMES_BACK),
        ],
        truth: "The release of veza-backend a few minutes before failed one request in five and doubled its latency. The revision before was good.",
        shortest: &RELEASE_WAY,
        read: "rollback",
        twist: None,
    },
    Case {
        id: "crash-loop",
        stage: Stage::CrashLoop,
        fits: &["rollback", "incident"],
        subject: "veza-backend",
        page: "[pipeline] veza-backend: the release has not become available, its newest pod restarts over and over",
        wanted: "Find out whether users are hurt, and bring the workload back to a revision that runs.",
        goal: Goal::Recover,
        cures: &[plain("rollback")],
        vain: &[
            vain(
                "restart",
                "The new revision's container ends by itself each time: its last lines before the restart say why.",
            ),
            vain(
                "delete-pod",
                "A deleted pod comes back from the same template and ends the same way.",
            ),
            vain(
                "evict-pod",
                "It ends on every node: the last lines before the restart say why.",
            ),
            vain(
                "scale",
                "More pods of a revision that cannot start are more pods that cannot start.",
            ),
        ],
        truth: "The new revision of veza-backend cannot start: its migration fails. The old pods went on serving, so users were not hurt yet.",
        shortest: &[
            leg(
                "explain",
                "which pods fail, and that the old ones still serve",
            ),
            leg("previous-logs", "the last lines before the restart"),
            leg("runbooks", "rollback, filled in"),
            leg(
                "answer",
                "choose, read the difference, say yes, wait for the gate",
            ),
        ],
        read: "rollback",
        twist: None,
    },
    Case {
        id: "image-missing",
        stage: Stage::ImageMissing,
        fits: &["rollback", "incident"],
        subject: "chat-server",
        page: "[pipeline] chat-server: the release has not become available after its progress deadline",
        wanted: "Find out why, and bring the workload back to a revision that runs.",
        goal: Goal::Recover,
        cures: &[plain("rollback")],
        vain: &[
            vain(
                "restart",
                "The image is not in the registry: a restart pulls the same name again.",
            ),
            vain(
                "delete-pod",
                "The image is not in the registry: describe shows the pull's own error.",
            ),
            vain(
                "evict-pod",
                "The image is not in the registry, for no node.",
            ),
            vain(
                "scale",
                "More pods of an image that is not there wait for it too.",
            ),
        ],
        truth: "The image of chat-server's new revision is not in the registry. The old pods went on serving.",
        shortest: &[
            leg("explain", "which pod cannot start, and why"),
            leg("describe", "the pull's own error"),
            leg("runbooks", "rollback, filled in"),
            leg(
                "answer",
                "choose, read the difference, say yes, wait for the gate",
            ),
        ],
        read: "rollback",
        twist: None,
    },
    Case {
        id: "slow-dependency",
        stage: Stage::SlowDependency,
        fits: &["rollback", "incident", "restart", "scale"],
        subject: "veza-backend",
        page: "[FIRING] HighErrorRate veza-backend, critical: more than 5 % of requests to veza-backend fail",
        wanted: "Find out what would help. If it is not yours to mend, say so early: whoever mends it begins a minute after you have seen what it is.",
        goal: Goal::Recover,
        cures: &[],
        vain: &[
            NOTHING_RELEASED,
            vain(
                "restart",
                "Every pod and every version is slow alike: a new pod waits for the same database.",
            ),
            vain(
                "scale",
                "More pods ask the same slow database more often: every pod is slow alike.",
            ),
            vain(
                "delete-pod",
                "Every pod is slow alike: split by pod, in the signals, shows it.",
            ),
            vain("evict-pod", "Every pod is slow alike, on every node."),
        ],
        truth: "Nothing was released. The database became slow, and every version and pod of veza-backend with it; its people mended it.",
        shortest: &[
            leg("explain", "nothing was released before it began"),
            leg("signals", "every version and every pod is slow alike"),
            leg("copy", "tell those whose database it is"),
            leg("", "leave the service alone until it is mended"),
        ],
        read: "rollback",
        twist: Some(Twist::Mended(60)),
    },
    Case {
        id: "stuck-pool",
        stage: Stage::StuckPool,
        fits: &["restart", "delete-pod", "evict-pod", "incident"],
        subject: "stream-server",
        page: "[FIRING] HighErrorRate stream-server, critical: more than 5 % of requests to stream-server fail",
        wanted: "Bring the service back within its limits.",
        goal: Goal::Recover,
        cures: &[plain("restart"), plain("delete-pod"), plain("evict-pod")],
        vain: &[
            NOTHING_RELEASED,
            vain(
                "scale",
                "The pods that are stuck stay stuck beside new ones: split by pod, in the signals, shows which.",
            ),
        ],
        truth: "Every pod of stream-server had used up its connections and did not come out of it. Nothing was released; new pods answer well.",
        shortest: &[
            leg("explain", "nothing was released before it began"),
            leg(
                "signals",
                "both pods fail, and nothing it depends on is slow",
            ),
            leg("restart", "replace the pods step by step"),
            leg("answer", "read what is sent, say yes, watch it recover"),
        ],
        read: "restart",
        twist: None,
    },
    Case {
        id: "stuck-pod",
        stage: Stage::StuckPod,
        fits: &["delete-pod", "evict-pod", "restart", "incident"],
        subject: "chat-server",
        page: "[FIRING] HighErrorRate chat-server, critical: more than 5 % of requests to chat-server fail",
        wanted: "Bring the service back within its limits, and touch no more than you must.",
        goal: Goal::Recover,
        cures: &[plain("delete-pod"), plain("evict-pod"), plain("restart")],
        vain: &[
            NOTHING_RELEASED,
            vain(
                "scale",
                "The stuck pod goes on failing its share: split by pod, in the signals, shows which one it is.",
            ),
        ],
        truth: "One pod of chat-server was stuck and failed a third of what reached it; the other was well.",
        shortest: &[
            leg("signals", "chat-server's figures"),
            leg("split", "by pod: one of them fails alone"),
            leg("", "the palette's delete or evict on that pod"),
            leg("answer", "read what is sent, say yes, watch it recover"),
        ],
        read: "delete-pod",
        twist: None,
    },
    Case {
        id: "rush",
        stage: Stage::Rush,
        fits: &["scale", "incident"],
        subject: "stream-server",
        page: "[FIRING] HighErrorRate stream-server, critical: more than 5 % of requests to stream-server fail",
        wanted: "Bring the service back within its limits.",
        goal: Goal::Recover,
        cures: &[plain("scale")],
        vain: &[
            NOTHING_RELEASED,
            vain(
                "restart",
                "The same number of pods meets the same traffic afterwards: requests a second, in the signals, have tripled.",
            ),
            vain(
                "delete-pod",
                "Fewer pods carry even less: requests a second have tripled.",
            ),
            vain(
                "evict-pod",
                "Fewer pods carry even less: requests a second have tripled.",
            ),
        ],
        truth: "More than three times the usual traffic reached stream-server, whose two pods could not carry it. It has no autoscaler.",
        shortest: &[
            leg(
                "signals",
                "requests a second have tripled, every pod is strained alike",
            ),
            leg("palette", "scale stream-server 5"),
            leg("answer", "read what is sent, say yes, watch it recover"),
        ],
        read: "scale",
        twist: None,
    },
    Case {
        id: "key-due",
        stage: Stage::TwoKeys,
        fits: &["jwt-rotate"],
        subject: "veza-backend",
        page: "[calendar] The JWT signing key of veza-production is ninety days old: its rotation is due",
        wanted: "Rotate it so that nobody is logged out. The services read a second and a previous key since last month's release. The path in Vault is secret/veza/production.",
        goal: Goal::Finish,
        cures: &[Cure {
            runbook: "jwt-rotate",
            with: &[("strategy", "overlap")],
        }],
        vain: &[
            vain(
                "restart",
                "A restart brings out no new key: Vault and the Secret hold the old one.",
            ),
            vain(
                "jwt-rotate",
                "Nobody was to be logged out, and nothing was said of a leak: cutover ends every session, and a leak is said to destroy versions.",
            ),
        ],
        truth: "The key was due, nothing had leaked, and every service read the second key: overlap, and a wait as long as a token lives.",
        shortest: &[
            leg(
                "runbooks",
                "jwt-rotate; enter reads it, and again begins it",
            ),
            leg("answer", "overlap, say yes, wait for each gate"),
            leg("", "let the old tokens run out; the console may be closed"),
            leg("answer", "retire the old key"),
        ],
        read: "jwt-rotate",
        twist: None,
    },
    Case {
        id: "key-unread",
        stage: Stage::Healthy,
        fits: &["jwt-rotate"],
        subject: "veza-backend",
        page: "[calendar] The JWT signing key of veza-production is ninety days old: its rotation is due",
        wanted: "Rotate it if it can be done so that nobody is logged out; if not, change nothing and find out what is missing. The path in Vault is secret/veza/production.",
        goal: Goal::StopInTime,
        cures: &[Cure {
            runbook: "jwt-rotate",
            with: &[("strategy", "overlap")],
        }],
        vain: &[
            vain(
                "jwt-rotate",
                "Nobody was to be logged out: cutover ends every session, and its own sentence says so.",
            ),
            vain(
                "restart",
                "A restart brings out no new key: Vault and the Secret hold the old one.",
            ),
        ],
        truth: "At least one service does not read the second key yet: overlap stops before the first effect, and that is the right end. The release that reads it comes first.",
        shortest: &[
            leg(
                "runbooks",
                "jwt-rotate; enter reads it, and again begins it",
            ),
            leg(
                "answer",
                "overlap: it stops, and says which service does not read the second key",
            ),
            leg("", "end the run; nothing was changed"),
        ],
        read: "jwt-rotate",
        twist: None,
    },
    Case {
        id: "key-owned",
        stage: Stage::External,
        fits: &["jwt-rotate"],
        subject: "veza-backend",
        page: "[calendar] The JWT signing key of veza-production is ninety days old: its rotation is due tonight",
        wanted: "Rotate it in tonight's window: that everybody must log in again is announced. Somebody remembers that the Secret is no longer made by hand. The path in Vault is secret/veza/production.",
        goal: Goal::Finish,
        cures: &[Cure {
            runbook: "jwt-rotate",
            with: &[("strategy", "cutover"), ("leaked", "false")],
        }],
        vain: &[
            vain(
                "jwt-rotate",
                "Nothing had leaked: versions are destroyed for a leak alone. And no service reads a second key, so overlap stops before it begins.",
            ),
            vain(
                "restart",
                "A restart brings out no new key: Vault and the Secret hold the old one.",
            ),
        ],
        truth: "External Secrets keeps the Secret: what is written into it by hand is gone at its next refresh. The runbook changes Vault, asks the owner to copy, and restarts only when the copy is there.",
        shortest: &[
            leg(
                "runbooks",
                "jwt-rotate; enter reads it, and again begins it",
            ),
            leg("answer", "cutover; its preflight names who owns the Secret"),
            leg(
                "answer",
                "say yes, wait for the copy, the restarts and the gate",
            ),
        ],
        read: "jwt-rotate",
        twist: None,
    },
    Case {
        id: "key-leaked",
        stage: Stage::Healthy,
        fits: &["jwt-rotate", "incident"],
        subject: "veza-backend",
        page: "[security] The JWT signing key of veza-production stood in a public repository for an hour: whoever has it can sign as anybody",
        wanted: "Make the leaked key worthless now. That everybody must log in again is agreed. The path in Vault is secret/veza/production.",
        goal: Goal::Finish,
        cures: &[Cure {
            runbook: "jwt-rotate",
            with: &[("strategy", "cutover"), ("leaked", "true")],
        }],
        vain: &[
            vain(
                "jwt-rotate",
                "The key had leaked: overlap goes on accepting it for a week, and without leaked=true its old versions stay readable in Vault.",
            ),
            vain(
                "rollback",
                "A leaked key is in no revision: going back changes nothing about it.",
            ),
        ],
        truth: "The key was in the wrong hands: one step, every session ends, and the versions that held it are destroyed.",
        shortest: &[
            leg("palette", "run jwt-rotate strategy=cutover leaked=true"),
            leg("answer", "say yes, wait for the gate"),
            leg("answer", "destroy the leaked versions"),
        ],
        read: "jwt-rotate",
        twist: None,
    },
    Case {
        id: "not-ready",
        stage: Stage::Healthy,
        fits: &["deploy-checklist"],
        subject: "veza-backend",
        page: "[release] veza-backend goes out tonight: go through the deployment checklist, Deployment/veza-backend",
        wanted: "Settle every item by what is there. What is missing must stay visible in the record; whether to go on is not yours alone.",
        goal: Goal::Finish,
        cures: &[plain("deploy-checklist")],
        vain: &[
            vain(
                "rollback",
                "Nothing is wrong with what runs: the overview is healthy.",
            ),
            vain(
                "restart",
                "Nothing is wrong with what runs: the overview is healthy.",
            ),
        ],
        truth: "The containers of veza-backend may run as root: the item is seen to be false. Ending here with that in the record is right; going past it takes somebody's name.",
        shortest: &[
            leg("runbooks", "deploy-checklist on veza-backend"),
            leg(
                "answer",
                "evidence for each item that only a person can give",
            ),
            leg("", "leave what is false as it is, and stop with the record"),
        ],
        read: "deploy-checklist",
        twist: None,
    },
];

/// The same key, and somebody writes to the path while the rotation goes on.
pub const KEY_MOVED: Case = Case {
    id: "key-moved",
    twist: Some(Twist::VaultMoves),
    truth: "The key was due, and somebody else wrote to the same path of Vault half-way. The run noticed by check-and-set and asked; their change was kept.",
    ..CASES[7]
};

/// Cases that may come up in a drill of a runbook; of any where none is named. A runbook without any of its own gets the
/// releases.
pub fn fitting(runbook: Option<&str>) -> Vec<&'static Case> {
    let all = || CASES.iter().chain([&KEY_MOVED]);
    let Some(id) = runbook else {
        return all().collect();
    };
    let own: Vec<&Case> = all().filter(|case| case.fits.contains(&id)).collect();
    if own.is_empty() {
        return all()
            .filter(|case| case.fits.contains(&"rollback"))
            .collect();
    }
    own
}

/// The case of a seed: the first drill for 0, else one of those that fit.
pub fn choose(runbook: Option<&str>, seed: u64) -> &'static Case {
    if seed == 0 {
        return &FIRST;
    }
    let fitting = fitting(runbook);
    let at = scattered(seed) % fitting.len().max(1) as u64;
    fitting.get(at as usize).copied().unwrap_or(&FIRST)
}

/// Neighbouring seeds far apart (splitmix64's last steps).
fn scattered(seed: u64) -> u64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
