use std::io::Cursor;

use super::*;
use crate::run;

/// An array as protocol 3 writes it, with `items` for its data.
fn array(shape: &[u8], dtype: &str, order: u8, items: &[u8]) -> Vec<u8> {
    let mut pickle = b"cnumpy.core.multiarray\n_reconstruct\n".to_vec();
    pickle.extend(b"cnumpy\nndarray\nK\0\x85C\x01b\x87R(K\x01(");
    shape.iter().for_each(|&n| pickle.extend([b'K', n]));
    pickle.extend(b"tcnumpy\ndtype\nX\x02\0\0\0");
    pickle.extend(dtype.as_bytes());
    pickle.extend(b"\x89\x88\x87R(K\x03X\x01\0\0\0<NNNtb");
    pickle.push(order);
    pickle.extend(items);
    pickle.extend(b"tb");
    pickle
}

fn read(pickle: Vec<u8>) -> Result<Vec<PickledArray>, NotArrays> {
    let pickle = [pickle, b".".to_vec()].concat();
    arrays(&run(Cursor::new(pickle), 1000).unwrap())
}

#[test]
fn arrays_in_an_array_of_objects() {
    let first = array(&[2, 1], "f4", 0x89, b"C\x08AAAABBBB");
    let second = array(&[1, 2], "f2", 0x88, b"C\x04CCDD");
    let items = [&b"]("[..], &first, &second, b"e"].concat();
    let read = read(array(&[2], "O8", 0x89, &items)).unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!((&*read[0].descr, &read[0].shape[..]), ("<f4", &[2, 1][..]));
    assert_eq!((&*read[1].descr, &read[1].shape[..]), ("<f2", &[1, 2][..]));
    assert_eq!(read[0].bytes.end - read[0].bytes.start, 8);
    assert_eq!(read[1].bytes.end - read[1].bytes.start, 4);
}

#[test]
fn anything_else_is_refused() {
    let inner = array(&[2, 2], "f4", 0x89, b"C\x10AAAABBBBCCCCDDDD");
    let items = |inner: &[u8]| [&b"]("[..], inner, b"e"].concat();
    assert!(read(array(&[1], "O8", 0x89, &items(&inner))).is_ok());
    let fortran = array(&[2, 2], "f4", 0x88, b"C\x10AAAABBBBCCCCDDDD");
    for pickle in [
        b"K\x01".to_vec(),
        inner.clone(),
        array(&[2], "O8", 0x89, &items(&inner)),
        array(&[1, 1], "O8", 0x89, &items(&inner)),
        array(&[1], "O8", 0x89, &items(b"K\x01")),
        array(&[1], "O8", 0x89, &items(&fortran)),
        array(&[1], "O8", 0x89, &items(b"cos\nsystem\n)R")),
    ] {
        assert!(read(pickle).is_err());
    }
}
