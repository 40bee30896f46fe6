//! The values of string constants.

use tenantry_span::TextRange;

use super::reader::{Read, Reader};
use super::tokens::{StrForm, Tok};

/// The value of a string constant as written, continued ones included; `None` where PostgreSQL refuses it. A string with
/// Unicode escapes (`U&'…'`) is unescaped with `escape`.
pub(super) fn string_value(text: &str, form: StrForm, escape: char) -> Option<String> {
    match form {
        StrForm::Plain => Some(pieces(text, false)),
        StrForm::National | StrForm::Bit | StrForm::Hex => Some(pieces(text.get(1..)?, false)),
        StrForm::Escape => unescape_backslashes(&pieces(text.get(1..)?, true)),
        StrForm::Unicode => unescape_unicode(&pieces(text.get(2..)?, false), escape),
        StrForm::Dollar => {
            let tag = text.find('$').and_then(|start| text.get(start + 1..)?.find('$').map(|len| len + 2))?;
            text.get(tag..text.len().checked_sub(tag)?).map(str::to_owned)
        }
    }
}

/// The insides of `'…'` and of those that continue it, with doubled quotes made one. With `escapes`, backslashes and
/// what they escape stay as they are.
fn pieces(text: &str, escapes: bool) -> String {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut inside = false;
    while let Some(char) = chars.next() {
        match (inside, char) {
            (false, '\'') => inside = true,
            // A comment between the pieces may hold quotes.
            (false, '-') => while chars.next_if(|char| !matches!(char, '\n' | '\r')).is_some() {},
            (false, _) => {}
            (true, '\'') => match chars.next_if_eq(&'\'') {
                Some(quote) => value.push(quote),
                None => inside = false,
            },
            (true, '\\') if escapes => {
                value.push('\\');
                value.extend(chars.next());
            }
            (true, char) => value.push(char),
        }
    }
    value
}

fn unescape_backslashes(text: &str) -> Option<String> {
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '\\' {
            push_char(&mut bytes, char);
            continue;
        }
        match chars.next()? {
            'b' => bytes.push(0x08),
            'f' => bytes.push(0x0c),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'v' => bytes.push(0x0b),
            'x' if chars.peek().is_some_and(char::is_ascii_hexdigit) => {
                bytes.push(u8::try_from(number(&mut chars, 16, 2)).ok()?);
            }
            'u' => unicode_escape(&mut bytes, &mut chars, 4)?,
            'U' => unicode_escape(&mut bytes, &mut chars, 8)?,
            digit @ '0'..='7' => {
                let first = digit.to_digit(8)?;
                let rest = octal_rest(&mut chars);
                bytes.push(u8::try_from((first * rest.1 + rest.0) & 0xff).ok()?);
            }
            other => push_char(&mut bytes, other),
        }
    }
    // PostgreSQL refuses what is not valid in the encoding, and zero bytes.
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// Up to two more octal digits: their value, and the weight of the digit before them.
fn octal_rest(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> (u32, u32) {
    let mut value = 0;
    let mut weight = 1;
    for _ in 0..2 {
        let Some(digit) = chars.peek().and_then(|char| char.to_digit(8)) else { break };
        chars.next();
        value = value * 8 + digit;
        weight *= 8;
    }
    (value, weight)
}

/// Up to `most` digits of a base.
fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, base: u32, most: usize) -> u32 {
    let mut value = 0;
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|char| char.to_digit(base)) else { break };
        chars.next();
        value = value * base + digit;
    }
    value
}

/// Exactly `len` hexadecimal digits.
fn exact_hex(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, len: usize) -> Option<u32> {
    let mut value: u32 = 0;
    for _ in 0..len {
        value = value.checked_mul(16)?.checked_add(chars.next()?.to_digit(16)?)?;
    }
    Some(value)
}

fn unicode_escape(
    bytes: &mut Vec<u8>,
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    len: usize,
) -> Option<()> {
    let first = exact_hex(chars, len)?;
    let code = match first {
        0xd800..=0xdbff => {
            chars.next_if_eq(&'\\')?;
            let second = match chars.next()? {
                'u' => exact_hex(chars, 4)?,
                'U' => exact_hex(chars, 8)?,
                _ => return None,
            };
            surrogates(first, second)?
        }
        code => code,
    };
    push_char(bytes, char::from_u32(code).filter(|char| *char != '\0')?);
    Some(())
}

fn surrogates(high: u32, low: u32) -> Option<u32> {
    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    Some(0x10000 + ((high - 0xd800) << 10) + low)
}

fn push_char(bytes: &mut Vec<u8>, char: char) {
    bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Resolves `\XXXX` and `\+XXXXXX`, where the backslash is `escape`; `None` where PostgreSQL refuses.
pub(super) fn unescape_unicode(text: &str, escape: char) -> Option<String> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut high: Option<u32> = None;
    while let Some(char) = chars.next() {
        let code = match char {
            char if char != escape => None,
            _ if chars.next_if_eq(&escape).is_some() => None,
            _ if chars.next_if_eq(&'+').is_some() => Some(exact_hex(&mut chars, 6)?),
            _ => Some(exact_hex(&mut chars, 4)?),
        };
        match (high.take(), code) {
            (None, None) => value.push(char),
            (None, Some(code @ 0xd800..=0xdbff)) => high = Some(code),
            (None, Some(code)) => value.push(char::from_u32(code).filter(|char| *char != '\0')?),
            (Some(high), Some(low)) => value.push(char::from_u32(surrogates(high, low)?)?),
            (Some(_), None) => return None,
        }
    }
    high.is_none().then_some(value)
}

impl Reader<'_> {
    /// A string constant of any form: its form and value.
    pub(super) fn string(&mut self) -> Read<(StrForm, String, TextRange)> {
        let Tok::Str(form) = self.peek() else { return self.stop("a string") };
        let token = self.next();
        let escape = if form == StrForm::Unicode { self.uescape()? } else { '\\' };
        match string_value(self.text(token), form, escape) {
            Some(value) => Ok((form, value, self.range_from(token.start))),
            None => self.stop("a string whose escapes are valid"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_have_the_values_that_postgresql_gives_them() {
        let cases = [
            ("'it''s'", StrForm::Plain, Some("it's")),
            ("'a\\'", StrForm::Plain, Some("a\\")),
            ("'a' -- it's\n 'b'", StrForm::Plain, Some("ab")),
            ("E'a\\'b\\n\\x41\\101\\u0041''c'", StrForm::Escape, Some("a'b\nAAA'c")),
            ("e'\\d83d'", StrForm::Escape, Some("d83d")),
            ("e'\\ud83d\\ude00'", StrForm::Escape, Some("\u{1f600}")),
            ("e'\\u00'", StrForm::Escape, None),
            ("U&'d\\0061t\\+000061'", StrForm::Unicode, Some("data")),
            ("U&'\\d83d'", StrForm::Unicode, None),
            ("$$a'b$$", StrForm::Dollar, Some("a'b")),
            ("$t$ $$ $t$", StrForm::Dollar, Some(" $$ ")),
            ("B'101'", StrForm::Bit, Some("101")),
        ];
        for (text, form, value) in cases {
            assert_eq!(string_value(text, form, '\\').as_deref(), value, "{text}");
        }
        assert_eq!(string_value("U&'d!0061'", StrForm::Unicode, '!').as_deref(), Some("da"));
    }
}
