//! Splits a command into words as a shell does, without starting one.

/// Splits at blanks that are not quoted. Within single quotes every character stands for itself; elsewhere a backslash
/// makes the next character stand for itself, within double quotes only `"`, `\`, `$` and `` ` ``. Nothing is expanded.
/// The error states what is missing.
pub(super) fn split_words(command: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    // The current word; `None` between words. Quotes begin a word even if nothing is between them.
    let mut word: Option<String> = None;
    let mut rest = command.chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' => quoted(&mut rest, word.get_or_insert_default())?,
            '"' => double_quoted(&mut rest, word.get_or_insert_default())?,
            '\\' => {
                let next = rest.next().ok_or("a character after the backslash at the end is missing")?;
                word.get_or_insert_default().push(next);
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if words.is_empty() { Err("a program to start is missing".into()) } else { Ok(words) }
}

fn quoted(rest: &mut impl Iterator<Item = char>, word: &mut String) -> Result<(), String> {
    for c in rest {
        if c == '\'' {
            return Ok(());
        }
        word.push(c);
    }
    Err("the closing ' is missing".into())
}

fn double_quoted(rest: &mut impl Iterator<Item = char>, word: &mut String) -> Result<(), String> {
    while let Some(c) = rest.next() {
        match c {
            '"' => return Ok(()),
            '\\' => match rest.next() {
                Some(next @ ('"' | '\\' | '$' | '`')) => word.push(next),
                Some(next) => word.extend(['\\', next]),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err("the closing \" is missing".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_in_a_shell() {
        for (command, expected) in [
            ("serve --port {port}", &["serve", "--port", "{port}"][..]),
            ("  a\tb  ", &["a", "b"]),
            (r#"sh -c 'exec x "$PORT"'"#, &["sh", "-c", "exec x \"$PORT\""]),
            (r#"a "b \"c\" \d" e\ f"#, &["a", "b \"c\" \\d", "e f"]),
            (r#"a '' "" b"#, &["a", "", "", "b"]),
            (r#"--name="a b"'c'"#, &["--name=a bc"]),
        ] {
            assert_eq!(split_words(command).unwrap(), expected, "{command}");
        }
    }

    #[test]
    fn an_incomplete_command_is_refused_with_what_is_missing() {
        for (command, missing) in [
            ("", "a program"),
            (" ", "a program"),
            ("a 'b", "closing '"),
            ("a \"b", "closing \""),
            ("a\\", "backslash"),
        ] {
            let error = split_words(command).unwrap_err();
            assert!(error.contains(missing), "{command}: {error}");
        }
    }
}
