//! Activation functions by their names in checkpoints.

use candle_core::{Result, Tensor};
use colidx_kernels::Activation;

/// The names that [`parse`] accepts, for error messages.
pub(crate) const ACTIVATIONS: &str = "identity, linear, gelu, gelu_python, gelu_new, gelu_fast, \
     gelu_accurate, gelu_pytorch_tanh, gelu_python_tanh, quick_gelu, relu, silu, swish, tanh, \
     sigmoid";

/// The function named by a transformers configuration (`gelu_new`) or by the class path of a torch
/// module (`torch.nn.modules.activation.Tanh`).
pub(crate) fn parse(name: &str) -> Option<Activation> {
    let name = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    Some(match name.as_str() {
        "identity" | "linear" => Activation::Identity,
        "gelu" | "gelu_python" => Activation::Gelu,
        "gelu_new" | "gelu_fast" | "gelu_accurate" | "gelu_pytorch_tanh" | "gelu_python_tanh" => {
            Activation::GeluTanh
        }
        "quick_gelu" => Activation::GeluQuick,
        "relu" => Activation::Relu,
        "silu" | "swish" => Activation::Silu,
        "tanh" => Activation::Tanh,
        "sigmoid" => Activation::Sigmoid,
        _ => return None,
    })
}

/// Applies `activation` with candle's own operations.
pub(super) fn activate(activation: Activation, x: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Gelu => x.gelu_erf(),
        Activation::GeluTanh => x.gelu(),
        Activation::GeluQuick => x / ((x * -1.702)?.exp()? + 1.0)?,
        Activation::Relu => x.relu(),
        Activation::Silu => x.silu(),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => (x.neg()?.exp()? + 1.0)?.recip(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candle_has_the_same_functions() -> Result<()> {
        let values: Vec<f32> = (-40..40).map(|i| i as f32 / 8.0).collect();
        for name in ACTIVATIONS.split(", ") {
            let Some(activation) = parse(name) else {
                panic!("{name} is listed and not known");
            };
            let x = Tensor::from_slice(&values, values.len(), &candle_core::Device::Cpu)?;
            let expected = activate(activation, &x)?.to_vec1::<f32>()?;
            let mut found = values.clone();
            colidx_kernels::kernels().activate(activation, &mut found);
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 2e-6,
                    "{name}: {found} {expected}"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn names_of_transformers_and_torch_are_known() {
        assert_eq!(
            parse("torch.nn.modules.linear.Identity"),
            Some(Activation::Identity)
        );
        assert_eq!(
            parse("torch.nn.modules.activation.GELU"),
            Some(Activation::Gelu)
        );
        assert_eq!(parse("gelu_new"), Some(Activation::GeluTanh));
        assert_eq!(parse("mish"), None);
        assert!(ACTIVATIONS.split(", ").all(|name| parse(name).is_some()));
    }
}
