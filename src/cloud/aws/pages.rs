//! Walks the pages of a listing: nothing is cut short silently, and a stale token starts it again.

use std::future::Future;

use super::errors::Refusal;
use crate::{cloud::Error, fleet::FailureKind};

/// A listing longer than this is a service that repeats itself.
const N_PAGES_MAX: usize = 2000;

/// One page, and the token of the next.
pub(super) struct Page<T> {
    pub(super) rows: Vec<T>,
    pub(super) next: Option<String>,
}

/// What a walk saw. With a failure the rows are what came before it.
#[derive(Debug)]
pub(super) struct Walk<T> {
    pub(super) rows: Vec<T>,
    pub(super) n_pages: usize,
    pub(super) failure: Option<Error>,
}

/// Fetches page after page; `what` completes "cannot …".
pub(super) async fn walk<T, F, Answer>(what: &str, mut fetch: F) -> Walk<T>
where
    F: FnMut(Option<String>) -> Answer,
    Answer: Future<Output = Result<Page<T>, Refusal>>,
{
    let mut walk = Walk {
        rows: Vec::new(),
        n_pages: 0,
        failure: None,
    };
    let (mut token, mut may_restart) = (None, true);
    while walk.n_pages < N_PAGES_MAX {
        match fetch(token.take()).await {
            Ok(page) => {
                walk.n_pages += 1;
                walk.rows.extend(page.rows);
                token = page.next.filter(|it| !it.is_empty());
                if token.is_none() {
                    return walk;
                }
            }
            // Tokens end after a while; a laptop that slept between two pages has one.
            Err(refusal) if refusal.is_stale_token && walk.n_pages > 0 && may_restart => {
                may_restart = false;
                walk.rows.clear();
                walk.n_pages = 0;
            }
            Err(refusal) => {
                walk.failure = Some(refusal.error);
                return walk;
            }
        }
    }
    walk.failure = Some(Error::new(
        FailureKind::Unknown,
        format!("cannot {what}: the listing does not end"),
    ));
    walk
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, future::ready};

    use futures_util::FutureExt;

    use super::*;

    /// A page and the next token, or a refusal and whether the token was stale.
    type Scripted = Result<(Vec<u32>, Option<&'static str>), bool>;

    /// Answers with these, and remembers the tokens that it was asked with.
    fn answers(script: Vec<Scripted>) -> (Walk<u32>, Vec<Option<String>>) {
        let (script, asked) = (RefCell::new(script.into_iter()), RefCell::new(Vec::new()));
        let walk = walk("list", |token| {
            asked.borrow_mut().push(token);
            let answer = script.borrow_mut().next().expect("asked no more than that");
            ready(match answer {
                Ok((rows, next)) => Ok(Page {
                    rows,
                    next: next.map(str::to_owned),
                }),
                Err(is_stale_token) => Err(Refusal {
                    error: Error::new(FailureKind::Unknown, "no"),
                    is_stale_token,
                }),
            })
        });
        let walk = walk.now_or_never().expect("every answer is ready");
        (walk, asked.into_inner())
    }

    #[test]
    fn a_failed_page_leaves_the_rows_before_it_and_says_so() {
        let (walk, _) = answers(vec![Ok((vec![1, 2], Some("a"))), Err(false)]);
        assert_eq!(walk.rows, [1, 2]);
        assert!(walk.failure.is_some());
    }

    #[test]
    fn a_stale_token_starts_the_listing_again_once() {
        let (walk, asked) = answers(vec![
            Ok((vec![1], Some("a"))),
            Err(true),
            Ok((vec![1], Some("b"))),
            Ok((vec![2], None)),
        ]);
        assert_eq!((walk.rows, walk.n_pages), (vec![1, 2], 2));
        assert!(walk.failure.is_none());
        assert_eq!(asked, [None, Some("a".into()), None, Some("b".into())]);

        let (walk, _) = answers(vec![
            Ok((vec![1], Some("a"))),
            Err(true),
            Ok((vec![1], Some("b"))),
            Err(true),
        ]);
        assert!(walk.failure.is_some(), "twice is a failure");
    }
}
