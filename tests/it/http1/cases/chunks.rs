//! Chunked bodies: sizes, line ends, extensions and trailers.

use super::{Case, Row, chunked};

pub(super) fn cases() -> Vec<Case> {
    let cases = |row: Row, table: &[(&str, &str)]| -> Vec<Case> {
        table.iter().map(|(body, expected)| row.case(chunked(body), expected)).collect()
    };
    // The verdict does not depend on whether the body is used.
    let unused = INVALID
        .iter()
        .map(|(body, expected)| Row::Chunks.case(chunked(body).replacen("POST /echo", "GET /echo/x", 1), expected));
    [cases(Row::Chunks, VALID), cases(Row::Chunks, INVALID), cases(Row::Extensions, EXTENSIONS), unused.collect()]
        .concat()
}

const VALID: &[(&str, &str)] = &[
    ("0\r\n\r\n", "|"),
    ("5\r\nhello\r\n0\r\n\r\n", "|hello"),
    ("00005\r\nhello\r\n000\r\n\r\n", "|hello"),
    ("0000000000000005\r\nhello\r\n0\r\n\r\n", "|hello"),
    ("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "|01234567890123456789a"),
    ("3\r\n0\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n", "|0\r\n\r\n"),
];

const INVALID: &[(&str, &str)] = &[
    ("+5\r\nhello\r\n0\r\n\r\n", "400!"),
    ("-1\r\nhello\r\n0\r\n\r\n", "400!"),
    ("-0\r\n\r\n", "400!"),
    ("0x5\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5_0\r\nhello\r\n0\r\n\r\n", "400!"),
    (" 5\r\nhello\r\n0\r\n\r\n", "400!"),
    ("\t5\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5 \r\nhello\r\n0\r\n\r\n", "400!"),
    ("5\t\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5 5\r\nhello\r\n0\r\n\r\n", "400!"),
    ("\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5g\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5\0\r\nhello\r\n0\r\n\r\n", "400!"),
    ("\u{665}\r\nhello\r\n0\r\n\r\n", "400!"),
    ("10000000000000000\r\nhello\r\n", "400!"),
    ("00000000000000005\r\nhello\r\n", "400!"),
    ("FFFFFFFFFFFFFFFF\r\nhello\r\n", "413!"),
    ("5\r\nhello0\r\n\r\n", "400!"),
    ("5\r\nhello!\r\n0\r\n\r\n", "400!"),
    ("5\r\nhell\r\n0\r\n\r\n", "400!"),
    ("5\nhello\r\n0\r\n\r\n", "400!"),
    ("5\r\nhello\n0\r\n\r\n", "400!"),
    ("5\rhello\r\n0\r\n\r\n", "400!"),
    ("5\r\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5\r\nhello\r0\r\n\r\n", "400!"),
    ("5\r\nhello\r\n\r\n0\r\n\r\n", "400!"),
    ("5\r\nhello\r\n0\n\r\n", "400!"),
    ("0\r\n\n", "400!"),
    ("0\r\n\r\r\n", "400!"),
];

const EXTENSIONS: &[(&str, &str)] = &[
    ("5;a=b\r\nhello\r\n0;c\r\n\r\n", "|hello"),
    ("5;a;b=c;d\r\nhello\r\n0\r\n\r\n", "|hello"),
    ("5;a=\"b \\\" c;\r\";d\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;a=\"b \\\" c;\";d\r\nhello\r\n0\r\n\r\n", "|hello"),
    ("5;a=\"\"\r\nhello\r\n0\r\n\r\n", "|hello"),
    ("0\r\nA: b\r\nC:\r\n\r\n", "|"),
    ("2\r\nhi\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\nHost:\r\n\r\n", "|hi"),
    (";a\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;;a\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;=b\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;a=\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5; a\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;a =b\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;a\0\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;a=\x01\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;a=\"\x7f\"\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;a=\"b\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;a=\"b\"c\r\nhello\r\n0\r\n\r\n", "400!"),
    ("5;a\nhello\r\n0\r\n\r\n", "400!"),
    ("5;a\rhello\r\n0\r\n\r\n", "400!"),
    ("0\r\nA : b\r\n\r\n", "400!"),
    ("0\r\n: b\r\n\r\n", "400!"),
    ("0\r\n A: b\r\n\r\n", "400!"),
    ("0\r\nA: b\r\n c\r\n\r\n", "400!"),
    ("0\r\nA: b\n\r\n", "400!"),
    ("0\r\nA: \0\r\n\r\n", "400!"),
    ("0\r\nA: b\rc\r\n\r\n", "400!"),
    ("0\r\nA\r\n\r\n", "400!"),
];
