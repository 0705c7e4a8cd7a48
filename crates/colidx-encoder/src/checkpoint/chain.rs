//! The modules after the transformer.

use std::path::Path;

use crate::EncoderError;
use crate::files;
use crate::layout::CONFIG;
use crate::model::{Dense, DenseConfig, Projection, TokenPooling, Transformer};
use crate::ops::Backend;
use crate::settings::{Setting, SettingInfo, SettingsFile, UnknownKeys};
use crate::weights::Weights;

/// The modules that process the transformer's output, in order: projectors, then pooling.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) projectors: Vec<Projector>,
    pub(super) pooling: Option<TokenPooling>,
    /// Folders of modules whose `config.json` was read.
    folders: Vec<String>,
    report: Vec<SettingInfo>,
}

pub(super) enum Projector {
    /// A Dense module in its own folder.
    Dense { folder: String, config: DenseConfig },
    /// `linear.weight` among the transformer's tensors, to this many dimensions or as many as the
    /// tensor has.
    Linear(Option<usize>),
    /// A linear layer in its own file.
    Head(&'static str),
    /// Scales vectors to length one.
    Normalize,
}

/// A model with its weights.
pub(super) struct Model {
    pub(super) transformer: Transformer,
    pub(super) projection: Projection,
    pub(super) parameters: u64,
    pub(super) element_type: String,
}

impl Chain {
    /// Appends the Dense module of `folder`. `activation` is the default if its file names none.
    pub(super) fn dense(
        &mut self,
        root: &Path,
        folder: &str,
        activation: &'static str,
        notes: &mut Vec<String>,
    ) -> Result<(), EncoderError> {
        let mut file = module_config(root, folder)?;
        let number = |size: Option<Setting<usize>>, key| match size {
            Some(size) => Ok(size.value),
            None => Err(missing_key(root, folder, key)),
        };
        let activation: Setting<String> = file.take_or(
            "activation_function",
            activation.to_owned(),
            "the Dense module",
        )?;
        let config = DenseConfig {
            path: file.path().to_owned(),
            in_features: number(file.take("in_features")?, "in_features")?,
            out_features: number(file.take("out_features")?, "out_features")?,
            bias: file.take_or("bias", true, "the Dense module")?.value,
            activation: activation.value.clone(),
            residual: file
                .take_or("use_residual", false, "the Dense module")?
                .value,
        };
        check_token_vectors(&mut file, true)?;
        file.finish(UnknownKeys::Refuse, notes)?;
        let class = config.activation.rsplit('.').next().unwrap_or_default();
        let value = format!(
            "Dense, {} to {}, {class}",
            config.in_features, config.out_features
        );
        self.note(folder, &activation, value);
        self.projectors.push(Projector::Dense {
            folder: folder.to_owned(),
            config,
        });
        Ok(())
    }

    /// Appends the Normalize module of `folder`.
    pub(super) fn normalize(
        &mut self,
        root: &Path,
        folder: &str,
        notes: &mut Vec<String>,
    ) -> Result<(), EncoderError> {
        let mut file = module_config(root, folder)?;
        check_token_vectors(&mut file, false)?;
        let origin = file.origin("module_input_name");
        file.finish(UnknownKeys::Refuse, notes)?;
        let setting = Setting { value: (), origin };
        self.note(folder, &setting, "scaled to length one".to_owned());
        self.projectors.push(Projector::Normalize);
        Ok(())
    }

    /// Appends normalization that the code of `owner` does without a module.
    pub(super) fn normalize_as(&mut self, owner: &'static str) {
        let setting = Setting::default((), owner);
        let value = "scaled to length one";
        self.report
            .push(SettingInfo::new("vectors", &setting, value));
        self.projectors.push(Projector::Normalize);
    }

    /// Appends the pooling module of `folder`.
    pub(super) fn pool(
        &mut self,
        root: &Path,
        folder: &str,
        notes: &mut Vec<String>,
    ) -> Result<(), EncoderError> {
        const OWNER: &str = "sentence-transformers";
        let mut file = module_config(root, folder)?;
        let factor = file.take_or("pool_factor", 1.0f64, OWNER)?;
        if !(factor.value.is_finite() && factor.value >= 1.0) {
            return Err(file.problem(format!(
                "pool_factor is {} and should be at least 1",
                factor.value
            )));
        }
        let tasks = tasks(&mut file, "tasks")?.value;
        let is = |task: &str| tasks.iter().any(|found| found == task);
        let pooling = TokenPooling {
            factor: factor.value,
            protected: file.take_or("num_protected_tokens", 1, OWNER)?.value,
            // Files older than this setting were made without it.
            normalize: file.take_or("normalize_embeddings", false, OWNER)?.value,
            queries: is("query"),
            documents: is("document"),
        };
        file.finish(UnknownKeys::Refuse, notes)?;
        let value = format!(
            "{} of {}, the first {} left as they are{}",
            "pooled by a factor",
            factor.value,
            pooling.protected,
            if pooling.normalize {
                ", scaled to length one"
            } else {
                ""
            }
        );
        let of = tasks.join(" and ");
        self.note(folder, &factor, format!("{value} ({of})"));
        self.pooling = Some(pooling);
        Ok(())
    }

    /// Whether any module projects the transformer's output.
    pub(super) fn is_projection(&self) -> bool {
        let normalize = |projector: &Projector| matches!(projector, Projector::Normalize);
        !self.projectors.iter().all(normalize)
    }

    /// Folders of modules whose `config.json` was read.
    pub(super) fn folders(&self) -> &[String] {
        &self.folders
    }

    /// Adds the module of `folder` to the report.
    pub(super) fn note<T>(&mut self, folder: &str, setting: &Setting<T>, value: String) {
        self.folders.push(folder.to_owned());
        let name = format!("module {folder}");
        self.report.push(SettingInfo::new(&name, setting, value));
    }

    /// The modules as settings.
    pub(super) fn report(&self) -> Vec<SettingInfo> {
        self.report.clone()
    }
}

/// Opens the `config.json` of a module, which must exist.
pub(super) fn module_config(root: &Path, folder: &str) -> Result<SettingsFile, EncoderError> {
    let name = files::inside(folder, CONFIG);
    let path = root.join(&name);
    if !files::exists(&path) {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(files::io(&path, missing));
    }
    SettingsFile::open(root, &name)
}

/// The tasks that a module applies to: one string or a list.
pub(super) fn tasks(
    file: &mut SettingsFile,
    key: &str,
) -> Result<Setting<Vec<String>>, EncoderError> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Tasks {
        One(String),
        Many(Vec<String>),
    }
    let tasks: Option<Setting<Tasks>> = file.take(key)?;
    Ok(match tasks {
        Some(tasks) => tasks.map(|tasks| match tasks {
            Tasks::One(task) => vec![task],
            Tasks::Many(tasks) => tasks,
        }),
        None => Setting::default(vec!["document".to_owned()], "sentence-transformers"),
    })
}

/// Checks that a module reads and writes token vectors. `absent` says whether it may leave that
/// out.
fn check_token_vectors(file: &mut SettingsFile, absent: bool) -> Result<(), EncoderError> {
    const TOKENS: &str = "token_embeddings";
    if !absent && !file.has("module_input_name") {
        return Err(file.unsupported(
            "scaling of another thing than token vectors".to_owned(),
            "module_input_name token_embeddings",
        ));
    }
    for key in ["module_input_name", "module_output_name"] {
        file.refuse_unless(key, |value| value == TOKENS, TOKENS)?;
    }
    Ok(())
}

fn missing_key(root: &Path, folder: &str, key: &str) -> EncoderError {
    EncoderError::Config {
        path: root.join(files::inside(folder, CONFIG)),
        problem: format!("{key} is missing"),
    }
}

/// Reads the weights of the transformer in `folder` and of the modules after it.
pub(super) fn build(
    chain: &Chain,
    root: &Path,
    folder: &Path,
    backend: &Backend,
) -> Result<Model, EncoderError> {
    let weights = Weights::open(folder)?;
    let mut parameters = weights.parameters();
    let element_type = weights.element_type();
    let transformer = Transformer::load(&folder.join(CONFIG), &weights, backend)?;
    let mut projection = Projection::new(transformer.hidden());
    for projector in &chain.projectors {
        let dim = projection.dim();
        match projector {
            Projector::Normalize => projection.normalize(),
            Projector::Linear(outputs) => {
                projection.push(Dense::plain("linear.", dim, *outputs, &weights, backend)?);
            }
            Projector::Head(file) => {
                let weights = Weights::open_file(folder.join(file))?;
                parameters += weights.parameters();
                projection.push(Dense::plain("", dim, None, &weights, backend)?);
            }
            Projector::Dense { folder, config } => {
                if config.in_features != dim {
                    return Err(EncoderError::DenseChain {
                        path: config.path.clone(),
                        expected: dim,
                        found: config.in_features,
                    });
                }
                let weights = Weights::open(&root.join(folder))?;
                parameters += weights.parameters();
                projection.push(Dense::load(config, &weights, backend)?);
            }
        }
    }
    Ok(Model {
        transformer,
        projection,
        parameters,
        element_type,
    })
}
