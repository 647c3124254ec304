//! Bytes that are kept until they can be parsed or sent.

use std::ops::Deref;

/// Bytes that are taken from the front in pieces. An empty one owns no memory.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    taken: usize,
}

impl Buffer {
    /// Appends these pieces, except for the first `skipped` bytes of all of them.
    pub fn append<'a>(&mut self, pieces: impl IntoIterator<Item = &'a [u8]>, mut skipped: usize) {
        // Moving the rest costs no more than taking did.
        if self.taken > self.bytes.len() / 2 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        for piece in pieces {
            let skip = skipped.min(piece.len());
            skipped -= skip;
            self.bytes.extend_from_slice(&piece[skip..]);
        }
    }

    /// Takes this many bytes from the front.
    pub fn take(&mut self, count: usize) {
        self.taken += count;
        if self.taken >= self.bytes.len() {
            self.clear();
        }
    }

    /// Takes everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The memory it owns, in bytes.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }
}
