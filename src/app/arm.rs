//! Arming the console: for half an hour it may change things, after the namespace was typed and a reason given.
//! Disarming takes one key. Whoever looks at the screen sees it: row 1 says so and the frame is drawn armed.

use super::ask::{Form, Purpose};
use super::effect::Effect;
use super::runs::order::{Deed, RunOrder};
use super::state::App;
use crate::domain::target::Target;
use crate::runbook::machine::RunTarget;
use jiff::SignedDuration;

/// How long a console stays armed.
pub const ARMED: SignedDuration = SignedDuration::from_mins(30);

/// What must be typed to arm: the namespace; without one, the name of the context.
pub fn text(target: &Target) -> String {
    target
        .scope
        .namespace()
        .unwrap_or(&target.context)
        .to_string()
}

impl App {
    /// Arms, after asking, or disarms at once; says which in the last row.
    pub(super) fn arm(&mut self) -> Result<Form, &'static str> {
        if self.settings.read_only {
            return Err(
                "Read-only by configuration (read_only or --read-only): it cannot be armed.",
            );
        }
        if !self.target.environment.guarded {
            return Err("This console may change things here already; there is nothing to arm.");
        }
        if self.armed() {
            self.armed_until = None;
            return Err("Disarmed: nothing is changed from here.");
        }
        Ok(Form::new(Purpose::Arm, Some(text(&self.target))))
    }

    /// The console is armed from now on, for half an hour; what for goes into the audit log.
    pub(super) fn armed_now(&mut self, reason: String) -> Vec<Effect> {
        self.armed_until = Some(self.now + ARMED);
        self.desk.armed_for = Some(reason.clone());
        vec![self.deed("console.armed", Some(reason))]
    }

    /// Something that was done here, for the audit log.
    pub(super) fn deed(&self, event: &'static str, reason: Option<String>) -> Effect {
        let target = &self.target;
        let deed = Deed {
            event,
            reason,
            by: target.user.clone(),
            target: RunTarget {
                cluster_uid: target.cluster_uid.as_deref().unwrap_or_default().to_owned(),
                context: target.context.to_string(),
                server: target.server.to_string(),
                namespace: target
                    .scope
                    .namespace()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                environment: target.environment.name.to_string(),
            },
        };
        Effect::Run(RunOrder::WriteDown(Box::new(deed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Settings;
    use crate::app::screen::Screen;
    use crate::domain::target::{Environment, Scope};
    use jiff::Timestamp;

    fn app(guarded: bool, read_only: bool) -> App {
        let target = Target {
            context: "c".into(),
            server: "https://s".into(),
            cluster_uid: None,
            scope: Scope::Namespace("n".into()),
            environment: Environment {
                name: "e".into(),
                guarded,
            },
            user: None,
        };
        let settings = Settings {
            read_only,
            ..Settings::default()
        };
        App::new(target, settings, Screen::Overview, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_guarded_place_is_armed_for_a_while_and_disarmed_at_once() {
        let mut app = app(true, false);
        assert!(!app.armed());
        assert!(app.arm().is_ok());
        app.armed_now("drill".into());
        assert!(app.armed());
        assert!(app.arm().is_err_and(|said| said.starts_with("Disarmed")));
        assert!(!app.armed());
        app.armed_now("drill".into());
        app.now += ARMED;
        assert!(!app.armed(), "half an hour is over");
    }

    #[test]
    fn what_is_not_guarded_needs_no_arming_and_what_is_configured_cannot_be_armed_away() {
        let mut open = app(false, false);
        assert!(open.armed() && open.arm().is_err());
        for guarded in [true, false] {
            let mut never = app(guarded, true);
            assert!(never.arm().is_err_and(|said| said.contains("read_only")));
            never.armed_now("drill".into());
            assert!(!never.armed());
        }
    }
}
