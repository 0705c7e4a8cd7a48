//! Checking everything that a writer promises.

use super::Reader;
use super::list::Cursor;
use crate::error::{Error, Result};
use crate::impact::covers;

impl<B: AsRef<[u8]>> Reader<B> {
    /// Checks that terms ascend, that documents of each list ascend and are below the number of
    /// documents, that bounds hold, that positions are as many as occurrences, and that the lengths
    /// are the sums of the frequencies. Takes 8 bytes of memory for each document.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] for the first thing that is wrong.
    pub fn verify(&self) -> Result<()> {
        let mut lengths = vec![0u64; self.info.documents as usize];
        let (lists, positions) = self.dictionary().verify(|_, entry| {
            let list = self.list_at(&entry)?;
            let wrong = |what, expected: &str| {
                Err(Error::damaged("WLST", what, expected, "something else"))
            };
            if !list.is_contiguous() {
                return wrong("blocks of a list", "one after the other");
            }
            let mut cursor = Cursor::new(list);
            for block in 0..list.blocks() {
                let impacts = list.block_impacts(block);
                cursor.verify_block(|document, frequency| {
                    lengths[document as usize] += u64::from(frequency);
                    let length = self.length(document);
                    let covered = impacts.is_empty()
                        || covers(impacts, frequency, length)
                            && covers(list.impacts, frequency, length);
                    if covered {
                        Ok(())
                    } else {
                        wrong("pairs of a block", "at least those of its documents")
                    }
                })?;
            }
            Ok(())
        })?;
        let ends = [
            ("WLST", lists, self.lists.as_ref().len()),
            (
                "WPOS",
                positions,
                self.positions.as_ref().map_or(0, |p| p.as_ref().len()),
            ),
        ];
        for (tag, expected, got) in ends {
            if expected != got as u64 {
                return Err(Error::damaged(tag, "length", expected, got));
            }
        }
        for (document, &expected) in lengths.iter().enumerate() {
            let got = self.length(document as u32);
            if expected != u64::from(got) {
                let what = format!("document {document}");
                return Err(Error::damaged("WLEN", what, expected, got));
            }
        }
        let tokens = lengths.iter().sum::<u64>();
        if tokens != self.info.tokens {
            return Err(Error::damaged("WINF", "tokens", tokens, self.info.tokens));
        }
        Ok(())
    }
}
