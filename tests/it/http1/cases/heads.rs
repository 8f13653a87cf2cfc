//! Refusals of HEAD: the same as for other methods, without a body (RFC 9110 section 9.3.2).

use super::Case;

/// Returns a case as a HEAD request, if its request is refused and no response comes before the refusal.
pub(super) fn as_head(case: &Case) -> Option<Case> {
    let rest = [&b"GET "[..], b"POST "].into_iter().find_map(|method| case.request.strip_prefix(method))?;
    let n_answers = case.answer.windows(5).filter(|window| window == b"HTTP/").count();
    let is_refusal = matches!(case.answer.get(9), Some(b'4' | b'5')) && case.closes && n_answers == 1;
    let head = case.answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    is_refusal.then(|| Case {
        row: case.row,
        request: [b"HEAD ", rest].concat(),
        answer: case.answer[..head].to_vec(),
        closes: true,
    })
}
