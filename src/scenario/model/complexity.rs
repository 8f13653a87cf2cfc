//! The order of models from simple to complex.

use super::{Model, PoolKind, RuntimeKind};

impl Model {
    /// Returns a key by which simpler models come first: threads before tasks, no pool before a pool, one async thread before
    /// several.
    pub fn complexity(self) -> (u8, u8, u8, u16) {
        match self {
            Self::Sequential => (0, 0, 0, 0),
            Self::Threads => (1, 0, 0, 0),
            Self::Pool(n) | Self::Rayon(n) => (2, 0, 0, n.get()),
            Self::Async(runtime, pool) => {
                let pool = match pool {
                    PoolKind::Inline => 0,
                    PoolKind::Blocking(_) => 1,
                    PoolKind::InPlace => 2,
                    PoolKind::Rayon(_) => 3,
                    PoolKind::Runtime(_) => 4,
                };
                let kind = match runtime {
                    RuntimeKind::OneThread => 0,
                    RuntimeKind::Workers(_) => 1,
                    RuntimeKind::PerCore(_) => 2,
                };
                (3, pool, kind, runtime.threads())
            }
            Self::External(_) => (4, 0, 0, 0),
        }
    }

    /// Sorts models by [`complexity`](Self::complexity).
    pub fn sort_by_complexity(models: &mut [Self]) {
        models.sort_by_key(|model| model.complexity());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simpler_models_come_first() {
        let mut models: Vec<Model> = [
            "per-core/2",
            "async/2+rayon/2",
            "async+blocking",
            "async/2",
            "async",
            "async/2+in-place",
            "pool/8",
            "threads",
            "sequential",
        ]
        .map(|name| name.parse().unwrap())
        .into();
        Model::sort_by_complexity(&mut models);
        let names: Vec<String> = models.iter().map(ToString::to_string).collect();
        let expected = [
            "sequential",
            "threads",
            "pool/8",
            "async",
            "async/2",
            "per-core/2",
            "async+blocking",
            "async/2+in-place",
            "async/2+rayon/2",
        ];
        assert_eq!(names, expected);
    }
}
