//! Small runbooks that tests run for real: which workload, a confirmation, and a mark or two set on it.

/// A runbook about one workload. `front` is what else its front matter holds before its parameters, `params` what after them,
/// `before` the steps before the confirmation and `after` those behind it.
macro_rules! about_workload {
    ($id:literal, front: $front:literal, params: $params:literal, before: $before:literal, after: $after:literal) => {
        concat!(
            "+++\nschema  = 1\nid      = \"",
            $id,
            "\"\nversion = \"1\"\ntitle   = \"Mark a workload\"\nrisk    = \"low\"\n",
            $front,
            "[params.namespace]\ntype = \"namespace\"\n",
            "[params.workload]\ntype     = \"k8s-ref\"\nrequired = true\nfrom     = \"workloads\"\n",
            $params,
            "+++\n\n# Mark a workload\n\n## Which?\n\n",
            "```toml step\nid    = \"workload\"\nkind  = \"input\"\nparam = \"workload\"\n```\n\n",
            $before,
            "## Go\n\n```toml step\nid   = \"go\"\nkind = \"confirm\"\ntype = \"{{params.namespace}}\"\n```\n\n",
            $after
        )
    };
}

/// One small change, and a deviation to be told of.
pub const MARK: &str = about_workload!(
    "mark",
    front: "[[deviation]]\nref  = \"§1\"\ntrap = \"T20\"\nwhy  = \"The text marks every workload.\"\n",
    params: "",
    before: "",
    after: r#"```toml step
id     = "mark"
kind   = "k8s.annotate"
ns     = "{{params.namespace}}"
target = "{{params.workload}}"
set    = { "example.com/mark" = "{{run.id}}" }
undo   = "previous-values"
```
"#
);

/// One question, and one small change where the answer is yes.
pub const STAMP: &str = about_workload!(
    "stamp",
    front: "",
    params: "",
    before: r#"```toml step
id      = "which"
kind    = "choose"
options = [{ id = "yes", label = "Mark it" }, { id = "no", label = "Leave it" }]
```

"#,
    after: r#"```toml step
id     = "mark"
kind   = "k8s.annotate"
when   = { step = "which", is = "yes" }
ns     = "{{params.namespace}}"
target = "{{params.workload}}"
set    = { "example.com/mark" = "{{run.id}}" }
undo   = "previous-values"
```
"#
);

/// Two changes with a pause between them: long enough that two who start at once meet.
pub const TWICE: &str = about_workload!(
    "twice",
    front: "lock    = [\"{{params.namespace}}/{{params.workload.name}}/mark\"]\n",
    params: "[params.pause]\ntype    = \"duration\"\ndefault = \"2s\"\n",
    before: "",
    after: r#"## First

```toml step
id     = "first"
kind   = "k8s.annotate"
ns     = "{{params.namespace}}"
target = "{{params.workload}}"
set    = { "example.com/first" = "{{run.id}}" }
undo   = "previous-values"
```

```toml step
id      = "pause"
kind    = "wait"
for     = "{{params.pause}}"
timeout = { after = "10m", then = "pause" }
```

## Second

```toml step
id     = "second"
kind   = "k8s.annotate"
ns     = "{{params.namespace}}"
target = "{{params.workload}}"
set    = { "example.com/second" = "{{run.id}}" }
undo   = "previous-values"
```
"#
);
