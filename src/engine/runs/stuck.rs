//! Pods that never start: the reasons that no waiting mends end a wait early.

use super::state::text;
use crate::runbook::prose::bounded;
use serde_json::Value;

/// Waiting reasons that no waiting mends.
const HOPELESS: [&str; 5] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
];

/// Why a pod never starts, where no waiting mends it.
pub fn hopeless(pod: &Value) -> Option<String> {
    let lists = ["initContainerStatuses", "containerStatuses"];
    let all = lists
        .iter()
        .filter_map(|list| pod["status"][*list].as_array())
        .flatten();
    let waiting = all.map(|one| &one["state"]["waiting"]);
    let found = waiting
        .filter(|waiting| HOPELESS.contains(&waiting["reason"].as_str().unwrap_or_default()))
        .map(|waiting| {
            format!(
                "pod {} cannot start: {} {}",
                text(&pod["metadata"]["name"]),
                text(&waiting["reason"]),
                bounded(&text(&waiting["message"]), 200)
            )
        });
    { found }.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_image_that_cannot_be_pulled_ends_the_wait() {
        let pod = json!({"metadata": {"name": "api-1"}, "status": {"containerStatuses": [
            {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such tag"}}}]}});
        assert!(hopeless(&pod).is_some_and(|why| why.contains("no such tag")));
        let calm = json!({"status": {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}});
        assert_eq!(hopeless(&calm), None);
    }
}
