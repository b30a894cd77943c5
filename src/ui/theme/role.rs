//! The roles a theme fills and the tones a view asks for. A view names what a thing means; no colour lives here.

/// What a thing on the screen means, in the words of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Judged good, or a check that passed.
    Healthy,
    /// Worth watching.
    Watch,
    /// Judged bad.
    Failing,
    /// Cannot be judged: as loud as watch.
    Unknown,
    /// On its way: a rollout, a step that runs.
    Moving,
    /// Not yet begun, or without a judgement.
    Idle,
}

macro_rules! roles {
    ($($variant:ident $name:literal $doc:literal),* $(,)?) => {
        /// One of the parts a theme paints; the names are those of the theme files.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Role { $(#[doc = $doc] $variant,)* }

        impl Role {
            /// Every role, in the order of the documentation.
            pub const ALL: [Role; [$($name),*].len()] = [$(Role::$variant),*];

            /// The key a theme file uses.
            pub const fn name(self) -> &'static str {
                match self { $(Role::$variant => $name),* }
            }
        }
    };
}

roles! {
    Surface "surface" "The ground.",
    SurfaceAlt "surface_alt" "The ground of the selected row.",
    Text "text" "Body text.",
    TextDim "text_dim" "Secondary and stale text.",
    TextStrong "text_strong" "Headings and figures that decide.",
    Border "border" "Borders between panes.",
    BorderFocus "border_focus" "The border of the pane with the focus.",
    Accent "accent" "Keys, links, the cursor.",
    Healthy "healthy" "A good verdict.",
    Watch "watch" "A verdict to watch.",
    Threshold "threshold" "Limits in charts.",
    Failing "failing" "A bad verdict.",
    Armed "armed" "The frame of an armed session.",
    Unknown "unknown" "No verdict possible.",
    SeriesOld "series_old" "The old version in a chart.",
    SeriesNew "series_new" "The new version in a chart.",
}

impl Role {
    /// The role of that name, if there is one.
    pub fn named(name: &str) -> Option<Role> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The place of this role in [`Role::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}
