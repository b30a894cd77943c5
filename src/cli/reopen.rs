//! Going elsewhere: another context or namespace is another session, opened from the place where one is.

use super::session::{Place, Session, Start};
use crate::app::places::Destination;
use crate::app::screen::Screen;
use crate::platform::kubernetes::plugin_of;
use crate::tui::{Opened, Opening, Reopen};
use std::cell::RefCell;
use std::rc::Rc;

/// How the console opens another target, beginning at a place.
pub fn reopen(start: &Start, place: Place) -> Reopen<'_> {
    let here = Rc::new(RefCell::new(place));
    Box::new(move |to| {
        let here = here.clone();
        let place = elsewhere(&here.borrow(), to);
        // A connection that stands needs no login; a mistake in the kubeconfig is told when it is opened.
        let terminal = match &place {
            Ok(place) if place.cluster.is_none() => {
                plugin_of(&place.options).is_ok_and(|plugin| plugin.is_some())
            }
            _ => false,
        };
        let session = Box::pin(async move {
            let opened = start.session(place?, Screen::Overview).await;
            let Session {
                app,
                engine,
                facts,
                place,
                ..
            } = opened.map_err(|failed| failed.sentence.replace('\n', " "))?;
            *here.borrow_mut() = place;
            Ok(Box::new(Opened { app, engine, facts }))
        });
        Opening { terminal, session }
    })
}

/// The place a destination means, seen from another.
fn elsewhere(here: &Place, to: Destination) -> Result<Place, String> {
    let mut place = here.clone();
    let Some(context) = to.context else {
        place.scope = to.scope.or(place.scope);
        return Ok(place);
    };
    let own = here.cluster.as_ref().map(|cluster| &**cluster.context());
    let same = here.name.as_deref().or(own) == Some(&*context);
    match (here.options.server.is_some(), same) {
        (true, false) => {
            return Err(format!(
                "There is no context {context} here: this cluster was named by its address."
            ));
        }
        (_, true) => {}
        (false, false) => {
            place.options.context = Some(context.to_string());
            place.cluster = None;
        }
    }
    place.scope = to.scope;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Context;
    use crate::domain::target::Scope;
    use crate::engine::clock::Clock;
    use crate::platform::kubernetes::Options;

    fn here(server: Option<&str>) -> Place {
        Place {
            options: Options {
                server: server.map(str::to_owned),
                ..Options::default()
            },
            sources: Context::default(),
            vault_token: None,
            name: Some("prod".into()),
            scope: Some(Scope::Namespace("a".into())),
            simulated: false,
            vault_path: None,
            hurry: 1,
            clock: Clock::system(),
            cluster: None,
        }
    }

    #[test]
    fn another_namespace_keeps_the_context_and_another_context_its_own_namespace() {
        let to = Destination {
            context: None,
            scope: Some(Scope::All),
        };
        let place = elsewhere(&here(None), to).ok().unwrap();
        assert_eq!(
            (place.scope, place.options.context),
            (Some(Scope::All), None)
        );
        let to = Destination {
            context: Some("stage".into()),
            scope: None,
        };
        let place = elsewhere(&here(None), to.clone()).ok().unwrap();
        assert_eq!(
            (place.scope, place.options.context.as_deref()),
            (None, Some("stage"))
        );
        assert!(elsewhere(&here(Some("http://127.0.0.1:1")), to).is_err());
    }
}
