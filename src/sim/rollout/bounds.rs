//! What a rolling update may do, in pods: surge, unavailability, how much may grow and shrink. Arithmetic alone.

use serde_json::Value;

use super::super::tree;

/// What a rolling update may do, in pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How many are wanted.
    pub replicas: i64,
    /// How many more there may be meanwhile.
    pub surge: i64,
    /// How many may be missing meanwhile.
    pub unavailable: i64,
}

impl Bounds {
    /// The bounds of a Deployment: numbers as they are, percentages rounded up for surge and down for unavailability; never both zero.
    pub fn of(deployment: &Value) -> Self {
        let replicas = tree::int(deployment, &["spec", "replicas"]);
        let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
        let share = |value: &Value, up: bool| match value {
            Value::String(text) => {
                let percent = text.trim_end_matches('%').parse::<i64>().unwrap_or(25);
                let exact = percent * replicas;
                if up { (exact + 99) / 100 } else { exact / 100 }
            }
            Value::Number(number) => number.as_i64().unwrap_or_default(),
            _ => 1,
        };
        let surge = share(&rolling["maxSurge"], true);
        let mut unavailable = share(&rolling["maxUnavailable"], false).min(replicas);
        if surge == 0 && unavailable == 0 {
            unavailable = 1;
        }
        Self {
            replicas,
            surge,
            unavailable,
        }
    }

    /// How large the new ReplicaSet should be, given its size and the size of all.
    pub fn grow(self, new: i64, all: i64) -> i64 {
        if new >= self.replicas {
            return self.replicas;
        }
        let room = (self.replicas + self.surge - all).max(0);
        new + room.min(self.replicas - new)
    }

    /// How many old pods may go: unhealthy ones first as `cleanup`, then healthy ones as `healthy`.
    pub fn shrink(self, all: i64, new_unavailable: i64, available: i64) -> (i64, i64) {
        let least = self.replicas - self.unavailable;
        let cleanup = (all - least - new_unavailable).max(0);
        (cleanup, (available - least).max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bounds(replicas: i64, surge: impl Into<Value>, unavailable: impl Into<Value>) -> Bounds {
        let (surge, unavailable) = (surge.into(), unavailable.into());
        Bounds::of(
            &json!({"spec": {"replicas": replicas, "strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}}),
        )
    }

    #[test]
    fn percentages_round_up_for_surge_and_down_for_unavailability() {
        let table = [
            (10, json!("25%"), json!("25%"), (3, 2)),
            (3, json!("25%"), json!("25%"), (1, 0)),
            (1, json!("0%"), json!("25%"), (0, 1)),
            (4, json!(2), json!(1), (2, 1)),
            (2, json!(1), json!(5), (1, 2)),
        ];
        for (replicas, surge, unavailable, (s, u)) in table {
            let got = bounds(replicas, surge, unavailable);
            assert_eq!((got.surge, got.unavailable), (s, u));
        }
    }

    #[test]
    fn a_rolling_update_keeps_its_bounds_at_every_size() {
        let b = bounds(3, json!(1), json!(0));
        assert_eq!(b.grow(0, 3), 1);
        assert_eq!(b.grow(1, 4), 1);
        assert_eq!(b.grow(1, 3), 2);
        assert_eq!(b.grow(5, 5), 3);
        assert_eq!(b.shrink(4, 1, 3), (0, 0));
        assert_eq!(b.shrink(4, 0, 4), (1, 1));
        let b = bounds(10, json!(3), json!(2));
        assert_eq!(b.grow(0, 10), 3);
        assert_eq!(b.shrink(13, 3, 10), (2, 2));
    }
}
