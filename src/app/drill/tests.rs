//! A drill scored from what is seen: what counts, what does not, and what the world is asked for.

use super::cases::{CASES, Case, FIRST, KEY_MOVED, choose, fitting};
use super::score::score;
use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_772_000_000 + second)
}

fn case(id: &str) -> &'static Case {
    CASES.iter().find(|case| case.id == id).unwrap()
}

fn begun(case: &'static Case) -> Drill {
    let mut drill = Drill::new(case, None, 7, true);
    drill.begin(at(0));
    drill
}

fn level(case: &Case, level: Level) -> Seen {
    Seen {
        levels: [(case.subject.to_owned(), level)].into(),
        ..Seen::default()
    }
}

fn evidence(case: &Case) -> Seen {
    let words = format!("rollout of {}", case.subject);
    Seen {
        look: Some((Look::Evidence, Some(case.subject.into()), words)),
        ..level(case, Level::Failing)
    }
}

fn run(runbook: &str, subject: Option<&str>) -> RunSeen {
    RunSeen {
        id: format!("{runbook} {subject:?}"),
        runbook: runbook.into(),
        subject: subject.map(str::to_owned),
        changes: true,
        ..RunSeen::default()
    }
}

fn with(run: RunSeen, seen: Seen) -> Seen {
    Seen {
        run: Some(run),
        ..seen
    }
}

#[test]
fn a_rollback_that_helps_is_timed_from_the_page_to_the_signals() {
    let case = case("bad-release");
    let mut drill = begun(case);
    drill.see(&level(case, Level::Failing), at(5));
    drill.see(&evidence(case), at(40));
    let back = run("rollback", Some("veza-backend"));
    drill.see(&with(back.clone(), level(case, Level::Failing)), at(60));
    drill.see(&with(back.clone(), level(case, Level::Healthy)), at(170));
    assert_eq!(drill.marks.reached, None, "for a moment is not yet again");
    drill.see(&with(back.clone(), level(case, Level::Healthy)), at(185));
    let ended = RunSeen {
        ended: Some(RunState::Succeeded),
        ..back.clone()
    };
    assert!(!drill.is_done(&with(back, Seen::default())));
    assert!(drill.is_done(&with(ended, Seen::default())));
    drill.end(at(400));
    let score = score(&drill, None);
    let took: Vec<Option<i64>> = score
        .times
        .iter()
        .map(|time| time.took.map(|took| took.as_secs()))
        .collect();
    assert_eq!(took, [Some(40), Some(40), Some(170), Some(110)]);
    let kept: Vec<Option<bool>> = score.times.iter().map(score::Time::kept).collect();
    assert_eq!(kept, [Some(true), None, None, Some(true)]);
    assert!(score.turns.is_empty() && score.reached);
    assert!(score.times[0].note.starts_with("noticed"));
}

#[test]
fn a_relapse_begins_the_recovery_anew_and_being_well_from_the_start_is_none() {
    let case = case("bad-release");
    let mut drill = begun(case);
    drill.see(&level(case, Level::Healthy), at(1));
    drill.see(&level(case, Level::Healthy), at(60));
    assert_eq!(drill.marks.reached, None);
    for (second, now) in [
        (70, Level::Failing),
        (80, Level::Healthy),
        (90, Level::Watch),
        (100, Level::Healthy),
        (110, Level::Unknown),
        (120, Level::Healthy),
        (136, Level::Healthy),
    ] {
        drill.see(&level(case, now), at(second));
    }
    assert_eq!(drill.marks.reached, Some(at(120)));
}

#[test]
fn what_does_not_help_is_a_wrong_turn_once_it_is_about_to_be_sent() {
    for case in CASES.iter().filter(|case| case.goal == Goal::Recover) {
        for vain in case.vain {
            let mut drill = begun(case);
            let started = run(vain.runbook, Some(case.subject));
            drill.see(&with(started.clone(), level(case, Level::Failing)), at(10));
            assert!(drill.marks.turns.is_empty(), "{}: reading is free", case.id);
            let sent = RunSeen {
                effects: true,
                ..started
            };
            drill.see(&with(sent.clone(), level(case, Level::Failing)), at(20));
            drill.see(&with(sent, level(case, Level::Failing)), at(30));
            let [turn] = drill.marks.turns.as_slice() else {
                panic!("{} {}: {:?}", case.id, vain.runbook, drill.marks.turns);
            };
            assert_eq!((turn.at, &*turn.told), (at(20), vain.told));
            assert_eq!(drill.marks.diagnosed, None);
        }
    }
}

#[test]
fn a_run_on_another_workload_is_told_by_how_well_that_was() {
    let case = case("stuck-pool");
    let mut drill = begun(case);
    let mut seen = level(case, Level::Failing);
    seen.levels.insert("chat-server".into(), Level::Healthy);
    let asks = RunSeen {
        asks: true,
        ..run("restart", Some("chat-server"))
    };
    drill.see(&with(asks, seen), at(30));
    let turn = &drill.marks.turns[0];
    assert!(turn.what.contains("restart on chat-server"));
    assert!(turn.told.contains("within its limits"), "{turn:?}");
}

#[test]
fn a_red_line_and_a_change_left_half_way_are_wrong_turns_of_any_run() {
    let case = case("bad-release");
    let mut drill = begun(case);
    let left = RunSeen {
        effects: true,
        past_red: Some("hardened".into()),
        ended: Some(RunState::Failed),
        ..run("rollback", Some("veza-backend"))
    };
    drill.see(&with(left, level(case, Level::Failing)), at(30));
    let whats: Vec<&str> = drill.marks.turns.iter().map(|turn| &*turn.what).collect();
    assert_eq!(whats.len(), 2, "{whats:?}");
    assert!(whats[0].contains("hardened") && whats[1].contains("half-way"));
}

#[test]
fn the_wrong_way_to_rotate_is_told_and_the_right_one_is_done_when_it_ends() {
    let case = case("key-leaked");
    let mut drill = begun(case);
    let params = |strategy: &str, leaked: &str| {
        [("strategy", strategy), ("leaked", leaked)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    };
    let wrong = RunSeen {
        params: params("overlap", "false"),
        asks: true,
        ..run("jwt-rotate", None)
    };
    drill.see(&with(wrong, Seen::default()), at(30));
    assert_eq!(drill.marks.turns.len(), 1);
    let right = RunSeen {
        id: "second".into(),
        params: params("cutover", "true"),
        effects: true,
        ended: Some(RunState::Succeeded),
        ..run("jwt-rotate", None)
    };
    drill.see(&with(right, Seen::default()), at(300));
    assert_eq!(drill.marks.reached, Some(at(300)));
}

#[test]
fn stopping_in_time_is_the_end_where_the_second_key_is_not_read() {
    let case = case("key-unread");
    let mut drill = begun(case);
    let stopped = RunSeen {
        params: [("strategy".to_owned(), "overlap".to_owned())].into(),
        ended: Some(RunState::Aborted),
        ..run("jwt-rotate", None)
    };
    drill.see(&with(stopped, Seen::default()), at(60));
    assert_eq!(drill.marks.reached, Some(at(60)));
    assert!(drill.marks.turns.is_empty());
}

#[test]
fn an_acknowledgement_goes_before_the_first_look() {
    let case = case("rush");
    let mut drill = begun(case);
    drill.see(&evidence(case), at(20));
    drill.acknowledge(at(350));
    drill.end(at(400));
    let score = score(&drill, None);
    assert_eq!(score.times[0].took, Some(SignedDuration::from_secs(350)));
    assert_eq!(score.times[0].kept(), Some(false));
}

#[test]
fn time_stands_before_it_begins_and_runs_where_nothing_is_decided() {
    let case = case("bad-release");
    let mut drill = Drill::new(case, None, 7, true);
    assert_eq!(drill.see(&Seen::default(), at(0)), [Cue::Pace(0.0)]);
    assert_eq!(drill.see(&Seen::default(), at(0)), []);
    drill.begin(at(0));
    assert_eq!(drill.see(&Seen::default(), at(1)), [Cue::Pace(1.0)]);
    let goes = run("rollback", Some("veza-backend"));
    let seen = with(goes.clone(), Seen::default());
    assert_eq!(drill.see(&seen, at(2)), [Cue::Pace(BRISK)]);
    let waits = RunSeen {
        waits_until: Some(at(604_800)),
        ..goes.clone()
    };
    let seen = with(waits, Seen::default());
    assert_eq!(drill.see(&seen, at(3)), [Cue::Leap(at(604_800))]);
    assert_eq!(drill.see(&seen, at(604_800)), [], "once");
    let asks = RunSeen { asks: true, ..goes };
    assert_eq!(
        drill.see(&with(asks, Seen::default()), at(604_801)),
        [Cue::Pace(1.0)]
    );
}

#[test]
fn the_world_moves_on_once_the_trainee_has_come_so_far() {
    let slow = case("slow-dependency");
    let mut drill = begun(slow);
    drill.see(&evidence(slow), at(10));
    assert!(!drill.see(&evidence(slow), at(69)).contains(&Cue::Mend));
    assert!(drill.see(&evidence(slow), at(70)).contains(&Cue::Mend));
    assert!(!drill.see(&evidence(slow), at(71)).contains(&Cue::Mend));
    let mut drill = begun(&KEY_MOVED);
    let changed = RunSeen {
        effects: true,
        ..run("jwt-rotate", None)
    };
    let cues = drill.see(&with(changed, Seen::default()), at(10));
    assert!(cues.contains(&Cue::MoveVault));
}

#[test]
fn a_first_drill_counts_nothing_against_anybody() {
    let mut drill = Drill::new(&FIRST, Some("restart".into()), 0, false);
    drill.begin(at(0));
    let sent = RunSeen {
        effects: true,
        ..run("restart", Some("chat-server"))
    };
    drill.see(&with(sent, level(&FIRST, Level::Healthy)), at(10));
    assert!(drill.guided() && drill.marks.turns.is_empty());
}

#[test]
fn every_case_has_a_name_of_its_own_that_no_screen_shows_and_a_way_that_helps() {
    let all = fitting(None);
    for case in &all {
        assert_eq!(all.iter().filter(|other| other.id == case.id).count(), 1);
        let shown = [case.page, case.wanted, case.truth];
        assert!(
            shown.iter().all(|text| !text.contains(case.id)),
            "{}",
            case.id
        );
        assert!(case.shortest.len() > 2 && !case.fits.is_empty());
        // A runbook it may be drilled with either helps, or what would have told is known.
        for id in case.fits {
            let helps = case.cures.iter().any(|cure| cure.runbook == *id);
            let told = case.vain.iter().any(|vain| vain.runbook == *id);
            let later = ["incident", "canary-ramp", "blue-green"].contains(id);
            assert!(helps || told || later, "{} {id}", case.id);
        }
    }
}

#[test]
fn a_seed_is_always_the_same_case_and_seeds_reach_all_that_fit() {
    for id in [Some("rollback"), Some("jwt-rotate"), Some("my-own"), None] {
        let fitting: Vec<&str> = fitting(id).iter().map(|case| case.id).collect();
        let mut met: Vec<&str> = (1..200).map(|seed| choose(id, seed).id).collect();
        assert_eq!(choose(id, 7).id, choose(id, 7).id);
        met.sort_unstable();
        met.dedup();
        assert_eq!(met.len(), fitting.len(), "{id:?}");
        assert_eq!(choose(id, 0).id, "first");
    }
}
