//! Alertmanager's answers, good and hostile.

use super::{json, run, serve};
use vigie::domain::alert::Severity;
use vigie::platform::alertmanager::Alertmanager;

#[test]
fn alerts_come_by_severity_and_what_cannot_be_read_is_counted() {
    run(async {
        let server = serve(|asked| {
            assert_eq!((asked.path.as_str(), asked.get("silenced")), ("/api/v2/alerts", "true"));
            json(
                r#"[{"fingerprint":"2","labels":{"alertname":"Slow","severity":"warning"},"annotations":{},
                     "startsAt":"2026-01-02T03:04:05.678Z","status":{"state":"active","silencedBy":[],"inhibitedBy":[]}},
                    {"fingerprint":"1","labels":{"alertname":"Down","severity":"critical"},"annotations":{"runbook":"rollback"},
                     "generatorURL":"http://prom/graph","status":{"state":"suppressed","silencedBy":["s"],"inhibitedBy":[]}},
                    {"labels": 7}, "soup", []]"#,
            )
        })
        .await;
        let alerts = Alertmanager::new(server.transport())
            .alerts()
            .await
            .unwrap();
        assert_eq!((alerts.alerts.len(), alerts.unreadable), (2, 3));
        assert_eq!(alerts.alerts[0].severity, Severity::Critical);
        assert_eq!(
            alerts.alerts[0].runbook().map(|name| &**name),
            Some("rollback")
        );
        assert!(!alerts.alerts[0].heard() && alerts.alerts[1].heard());
        let since = alerts.alerts[1].since.unwrap();
        assert_eq!(since.to_string(), "2026-01-02T03:04:05.678Z");
    });
}

#[test]
fn refusals_and_pages_are_said() {
    run(async {
        let server = serve(|asked| match asked.path.as_str() {
            "/api/v2/alerts" => {
                axum::response::IntoResponse::into_response(axum::response::Html("<html>"))
            }
            _ => json("[]"),
        })
        .await;
        let alertmanager = Alertmanager::new(server.transport());
        let page = alertmanager.alerts().await.unwrap_err();
        assert!(page.short().contains("web page"), "{page}");
        assert!(
            alertmanager
                .status()
                .await
                .unwrap_err()
                .short()
                .contains("not an answer")
        );
    });
}
