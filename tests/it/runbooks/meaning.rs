//! What a well-formed runbook must mean: values that can be, targets that are there, lists that list, waits that end.

use super::{GOOD, bent};
use vigie::runbook::format::parse;
use vigie::runbook::lint::lint;

#[test]
fn what_can_never_be_is_told_with_what_can() {
    let when = "when     = { param = \"strategy\", is = \"a\" }";
    for (to, words) in [
        (
            "when = { param = \"strategy\", is = \"c\" }",
            "`strategy` is never `c`, only a, b",
        ),
        (
            "when = { param = \"strategy\", in = [\"a\", \"c\"] }",
            "never `c`",
        ),
        ("when = { param = \"strategy\", not = \"c\" }", "never `c`"),
        ("when = { param = \"strategy\", in = [] }", "an empty list"),
        (
            "when = { param = \"n\", is = \"3\" }",
            "a whole number, never `3`",
        ),
        ("when = { any = [] }", "an empty list of conditions"),
        (
            "when = { all = [{ param = \"strategy\", is = \"a\" }, { severity = \"P7\" }] }",
            "no severity `P7`, only P0, P1, P2, P3",
        ),
    ] {
        let found = bent(when, to);
        assert!(
            found.len() == 1 && found[0].contains(words) && found[0].contains("t.runbook.md:38"),
            "{to}: {found:#?}"
        );
    }
    for to in [
        "when = { param = \"strategy\", is = \"set\" }",
        "when = { param = \"strategy\", not = \"empty\" }",
        "when = { param = \"n\", is = 3 }",
        "when = { env = \"production\" }",
        "when = { env = [\"production\", \"staging\"] }",
        "when = { severity = [\"P0\", \"P1\"] }",
        "when = { any = [{ env = \"staging\" }, { all = [{ param = \"n\", limit = \">= 2\" }, { param = \"strategy\", in = [\"a\", \"b\"] }] }] }",
    ] {
        assert_eq!(bent(when, to), Vec::<String>::new(), "{to}");
    }
}

#[test]
fn parameters_say_what_fits_them() {
    for (to, words) in [
        (
            "type = \"int\"\ndefault = 3\nmin = \"x\"",
            "`min` is not a whole number",
        ),
        (
            "type = \"int\"\ndefault = 3\nmin = 5",
            "the default does not fit: n: at least 5",
        ),
        ("type = \"int\"\nmin = 5\nmax = 4", "no value fits"),
        (
            "type = \"int\"\ndefault = 3\nrequired = true",
            "one or the other",
        ),
        (
            "type = \"int\"\ndefault = 3\nchoices = [\"a\"]",
            "only type \"choice\"",
        ),
        ("type = \"string\"\nmax = 3", "a string has no `max`"),
        ("type = \"cron\"\ndefault = \"61 * * * *\"", "a cron line"),
        ("type = \"regex\"\ndefault = \"(\"", "regular expression"),
        (
            "type = \"url\"\ndefault = \"https://u:p@x\"",
            "without user and password",
        ),
        ("type = \"vault-kv2\"\ndefault = \"secret/../x\"", "a path"),
    ] {
        let found = bent("type    = \"int\"\ndefault = 3", to);
        assert!(
            found.iter().any(|line| line.contains(words)),
            "{to}: {found:#?}"
        );
    }
}

#[test]
fn a_target_that_may_be_empty_and_a_gate_that_cannot_pass_are_refused() {
    let open = "target   = \"Deployment/x\"";
    let param = "[params.n]";
    let with = |more: &str, target: &str| {
        let text = GOOD
            .replace(
                param,
                &format!("[params.w]\ntype = \"k8s-ref\"\n{more}\n{param}"),
            )
            .replace(open, target);
        super::mistakes(&text)
    };
    let found = with("", "target = \"{{params.w}}\"");
    assert!(
        found
            .iter()
            .any(|line| line.contains("its target may be empty, `params.w`")),
        "{found:#?}"
    );
    for more in ["required = true", "default = \"api\""] {
        assert_eq!(
            with(more, "target = \"{{params.w}}\""),
            Vec::<String>::new()
        );
    }
    let gate = |hold: &str, max: &str| {
        let front = format!(
            "[params.hold]\ntype = \"duration\"\ndefault = \"3m\"\n{max}\n[gates.g]\nhold = \"{hold}\"\ndeadline = \"10m\"\n[[gates.g.metric]]\nsignal = \"p99\"\nok = \"<= 1 s\"\n{param}"
        );
        let text = GOOD.replace(param, &front)
            + "\n## Hold\n\nWhy.\n\n```toml step\nid = \"hold\"\nkind = \"gate\"\nuse = \"g\"\nns = \"a\"\ntarget = \"b\"\n```\n";
        super::mistakes(&text)
    };
    assert_eq!(
        gate("{{params.hold}}", "max = \"9m\""),
        Vec::<String>::new()
    );
    assert!(gate("{{params.hold}}", "max = \"1h\"")[0].contains("could never pass"));
    assert!(!gate("12m", "").is_empty());
}

#[test]
fn what_lists_must_list_and_repeat_one_level() {
    let confirm = "id   = \"go\"\nkind = \"confirm\"\ntype = \"{{params.namespace}}\"";
    for (step, words) in [
        ("id = \"go\"\nkind = \"checklist\"", "lists nothing"),
        (
            "id = \"go\"\nkind = \"checklist\"\nitems = [{ id = \"a\", text = \"A\", evidence = [\"link\"] }, { id = \"a\", text = \"A\", evidence = [\"link\"] }]",
            "is there twice",
        ),
        (
            "id = \"go\"\nkind = \"checklist\"\nitems = [{ id = \"a\", text = \"A\" }]",
            "`evidence` is missing",
        ),
        (
            "id = \"go\"\nkind = \"checklist\"\nitems = [{ id = \"a\", text = \"A\", evidence = [\"auto\"] }]",
            "needs a table `check`",
        ),
        (
            "id = \"go\"\nkind = \"checklist\"\nitems = [{ id = \"a\", text = \"A\", evidence = [\"tick\"] }]",
            "no evidence `tick`",
        ),
        (
            "id = \"go\"\nkind = \"checklist\"\nitems = [{ id = \"a\", text = \"A\", evidence = [\"auto\"], check = { ask = \"signal\", ns = \"n\", target = \"t\", signal = \"p99\", limit = \"<= 1 %\" } }]",
            "signal p99 is a time",
        ),
        (
            "id = \"go\"\nkind = \"checklist\"\nitems = [{ id = \"a\", text = \"A\", evidence = [\"auto\"], check = { ask = \"budget\", ns = \"n\" } }]",
            "needs `target`",
        ),
        (
            "id = \"go\"\nkind = \"checklist\"\nitems = [{ id = \"a\", text = \"A\", evidence = [\"auto\"], check = { ask = \"keys-present\", ns = \"n\", target = \"Secret/s\", values = { a = \"b\" } } }]",
            "of a ConfigMap only",
        ),
        (
            "id = \"go\"\nkind = \"choose\"\noptions = [{ id = \"a\", label = \"A\" }, { id = \"a\", label = \"B\" }]",
            "is there twice",
        ),
        (
            "id = \"go\"\nkind = \"note\"\nretry = { max = 2 }",
            "`on` is missing",
        ),
        (
            "id = \"go\"\nkind = \"note\"\napprove = { count = 0 }",
            "between 1 and 5",
        ),
        (
            "id = \"go\"\nkind = \"eso.sync\"\nns = \"a\"\nname = \"b\"\nfrom = \"m/p\"\nsecret = \"s\"\nbarrier = true",
            "waits and has no timeout",
        ),
        (
            "id = \"go\"\nkind = \"vault.kv-patch\"\nat = \"a/b\"\ncas = \"fresh\"\nset = { x = { secret = \"nope\" } }\nbarrier = true",
            "no secret `nope` is declared",
        ),
    ] {
        let found = bent(confirm, step);
        assert!(
            found.iter().any(|line| line.contains(words)),
            "{step}: {found:#?}"
        );
    }
    let nested = "id = \"go\"\nkind = \"each\"\nin = \"params.strategy\"\n[[do]]\nid = \"inner\"\nkind = \"each\"\nin = \"params.strategy\"\n[[do.do]]\nid = \"deep\"\nkind = \"note\"";
    let found = bent(confirm, nested);
    assert!(
        found
            .iter()
            .any(|line| line.contains("repeats inside of a repetition")),
        "{found:#?}"
    );
}

#[test]
fn an_overdue_review_is_a_warning_and_a_banner() {
    let text = GOOD.replace("risk    =", "review_by = 2026-06-01\nrisk    =");
    let book = parse("t", &text).unwrap();
    let on = |month: i8| lint("t", &book, Some(jiff::civil::date(2026, month, 1)));
    assert!(
        on(6).is_empty()
            && on(7)[0]
                .to_string()
                .contains("review was due on 2026-06-01")
    );
}
