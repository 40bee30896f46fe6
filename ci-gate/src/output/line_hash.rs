//! `primaryLocationLineHash`, as GitHub's upload action computes it: the identity of an alert across uploads.

use std::collections::HashMap;

const WINDOW: usize = 100;
const MOD: u64 = 37;

/// The hash of each line, by line number from 1.
pub(crate) fn line_hashes(text: &str) -> HashMap<u32, String> {
    let mut hashes = Rolling::default();
    let mut line = 0u32;
    let mut line_begins = true;
    let mut previous_is_return = false;
    let units = text.encode_utf16().map(Some).chain([None]);
    for unit in units {
        let unit = match unit {
            Some(unit) if unit == u16::from(b' ') || unit == u16::from(b'\t') => {
                previous_is_return = false;
                continue;
            }
            Some(unit) if unit == u16::from(b'\n') && previous_is_return => {
                previous_is_return = false;
                continue;
            }
            Some(unit) if unit == u16::from(b'\r') => {
                previous_is_return = true;
                u64::from(b'\n')
            }
            Some(unit) => {
                previous_is_return = false;
                u64::from(unit)
            }
            None => 0xFFFF,
        };
        let begins = line_begins.then(|| {
            line += 1;
            line
        });
        line_begins = unit == u64::from(b'\n');
        hashes.push(unit, begins);
    }
    for _ in 0..WINDOW {
        hashes.push(0, None);
    }
    hashes.found
}

struct Rolling {
    window: [u64; WINDOW],
    marks: [Option<u32>; WINDOW],
    at: usize,
    hash: u64,
    first: u64,
    seen: HashMap<u64, u32>,
    found: HashMap<u32, String>,
}

impl Default for Rolling {
    fn default() -> Rolling {
        let first = (0..WINDOW).fold(1u64, |power, _| power.wrapping_mul(MOD));
        Rolling {
            window: [0; WINDOW],
            marks: [None; WINDOW],
            at: 0,
            hash: 0,
            first,
            seen: HashMap::new(),
            found: HashMap::new(),
        }
    }
}

impl Rolling {
    /// Takes a unit in; `begins` is the line that it is the first unit of.
    fn push(&mut self, unit: u64, begins: Option<u32>) {
        self.flush();
        if let Some(slot) = self.marks.get_mut(self.at) {
            *slot = begins;
        }
        self.shift(unit);
    }

    /// A mark whose slot comes round again has had its hundred units.
    fn flush(&mut self) {
        let Some(Some(line)) = self.marks.get(self.at).copied() else { return };
        if let Some(slot) = self.marks.get_mut(self.at) {
            *slot = None;
        }
        let count = self.seen.entry(self.hash).or_default();
        *count += 1;
        self.found.insert(line, format!("{:x}:{count}", self.hash));
    }

    fn shift(&mut self, unit: u64) {
        if let Some(slot) = self.window.get_mut(self.at) {
            let outgoing = *slot;
            *slot = unit;
            self.hash = self
                .hash
                .wrapping_mul(MOD)
                .wrapping_add(unit)
                .wrapping_sub(self.first.wrapping_mul(outgoing));
        }
        self.at = (self.at + 1) % WINDOW;
    }
}

#[cfg(test)]
mod tests {
    use super::line_hashes;

    /// The expected values are those of Microsoft's SARIF multitool 5.7.0 for the same bytes.
    #[test]
    fn hashes_are_those_of_other_tools() {
        let text = "fn a() {}\r\n\r\n\tlet x = \"é \u{1F600}\";\r\nfn a() {}\nlast\n";
        let hashes = line_hashes(text);
        let of = |line: u32| hashes.get(&line).map(String::as_str);
        assert_eq!(of(1), Some("5888c253637147b0:1"));
        assert_eq!(of(2), Some("42f429fe018bbc44:1"));
        assert_eq!(of(3), Some("b529ebb03a11a36a:1"));
        assert_eq!(of(4), Some("933d20fbb7ee096d:1"));
        assert_eq!(of(5), Some("720e72ad00cc4d61:1"));
    }
}
