//! Activation functions by the names that checkpoints give them.

use colidx_kernels::Activation;

/// The names that [`parse`] takes, for error messages.
pub(crate) const ACTIVATIONS: &str =
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_worlds_are_known() {
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
