//! Activation functions, by the names that checkpoints give them.

use super::math;

/// A function applied to each element of a layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    Identity,
    Gelu,
    /// GELU with tanh in place of the error function.
    GeluTanh,
    Relu,
    Silu,
    Tanh,
    Sigmoid,
}

impl Activation {
    /// The names that [`parse`](Self::parse) takes, for error messages.
    pub(crate) const KNOWN: &'static str =
        "identity, gelu, gelu_new, gelu_pytorch_tanh, relu, silu, swish, tanh, sigmoid";

    /// The function that a transformers configuration (`gelu_new`) or the class path of a torch module
    /// (`torch.nn.modules.activation.Tanh`) names.
    pub(crate) fn parse(name: &str) -> Option<Activation> {
        let name = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
        Some(match name.as_str() {
            "identity" => Activation::Identity,
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Activation::GeluTanh,
            "relu" => Activation::Relu,
            "silu" | "swish" => Activation::Silu,
            "tanh" => Activation::Tanh,
            "sigmoid" => Activation::Sigmoid,
            _ => return None,
        })
    }

    /// Applies the function to each of `values`.
    pub(crate) fn apply(self, values: &mut [f32]) {
        match self {
            Activation::Identity => {}
            Activation::Gelu => each(values, math::gelu),
            Activation::GeluTanh => each(values, |x| {
                let inner = 0.797_884_6 * (x + 0.044_715 * x * x * x);
                0.5 * x * (1.0 + math::tanh(inner))
            }),
            Activation::Relu => each(values, |x| x.max(0.0)),
            Activation::Silu => each(values, |x| x * math::sigmoid(x)),
            Activation::Tanh => each(values, math::tanh),
            Activation::Sigmoid => each(values, math::sigmoid),
        }
    }
}

#[inline(always)]
fn each(values: &mut [f32], function: impl Fn(f32) -> f32) {
    for value in values {
        *value = function(*value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_worlds_are_known() {
        assert_eq!(
            Activation::parse("torch.nn.modules.linear.Identity"),
            Some(Activation::Identity)
        );
        assert_eq!(
            Activation::parse("torch.nn.modules.activation.GELU"),
            Some(Activation::Gelu)
        );
        assert_eq!(Activation::parse("gelu_new"), Some(Activation::GeluTanh));
        assert_eq!(Activation::parse("mish"), None);
        assert!(
            Activation::KNOWN
                .split(", ")
                .all(|name| Activation::parse(name).is_some())
        );
    }

    #[test]
    fn values_are_right() {
        let apply = |activation: Activation, x: f32| {
            let mut values = [x];
            activation.apply(&mut values);
            values[0]
        };
        for (activation, expected) in [
            (Activation::Identity, -1.5),
            (Activation::Gelu, -0.100_210_8),
            (Activation::GeluTanh, -0.100_427_6),
            (Activation::Relu, 0.0),
            (Activation::Silu, -0.273_638_3),
            (Activation::Tanh, -0.905_148_3),
            (Activation::Sigmoid, 0.182_425_5),
        ] {
            let value = apply(activation, -1.5);
            assert!((value - expected).abs() < 1e-6, "{activation:?}: {value}");
        }
    }
}
