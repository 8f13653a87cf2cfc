//! The models made of tasks. Twin of `threads.rs`.

use std::convert::Infallible;
use std::io;
use std::net;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::census;
use crate::ledger::Ledger;
use crate::workload::date;
use crate::workload::echo::Echo;
use crate::workload::route::route;
use crate::workload::{Job, Pool, Workload};

use super::accept::Backoff;
use super::{LINGER, Ran, Watch};

/// A task per job. They are spawned from a task, because the future under `block_on` runs on no worker.
pub(super) fn run<W: Workload, P: Pool>(runtime: &Runtime, pool: P, workload: &Arc<W>, ledger: &Arc<Ledger>) -> Ran {
    let (workload, ledger) = (Arc::clone(workload), Arc::clone(ledger));
    let all = async move {
        let mut handles = Vec::with_capacity(ledger.jobs() as usize);
        let watch = Watch::start(&ledger);
        for id in 0..ledger.jobs() {
            let (workload, ledger, pool) = (Arc::clone(&workload), Arc::clone(&ledger), pool.clone());
            handles.push(tokio::spawn(async move { job(&*workload, &ledger, &pool, id).await }));
        }
        join(handles).await;
        watch.stop(&ledger)
    };
    runtime.block_on(async { tokio::spawn(all).await.expect("no job panics") })
}

/// One job, with its row in the ledger.
async fn job<W: Workload, P: Pool>(workload: &W, ledger: &Ledger, pool: &P, id: Job) {
    census::touch();
    let begun = ledger.now();
    let receipt = workload.task(id, pool).await;
    // Perhaps another worker than the one that began it.
    census::touch();
    ledger.enter(id, begun, receipt);
}

/// A task per connection.
pub(super) fn serve<P: Pool>(
    runtime: &Runtime,
    pool: P,
    listener: net::TcpListener,
    echo: Arc<Echo>,
) -> io::Result<Infallible> {
    listener.set_nonblocking(true)?;
    let all = async move {
        accept(&TcpListener::from_std(listener)?, |stream| {
            let (echo, pool) = (Arc::clone(&echo), pool.clone());
            tokio::spawn(async move { connection(stream, &echo, &pool).await });
        })
        .await
    };
    runtime.block_on(async { tokio::spawn(all).await.expect("no connection panics") })
}

/// Accepts connections for ever.
async fn accept(listener: &TcpListener, mut take: impl FnMut(TcpStream)) -> io::Result<Infallible> {
    let mut backoff = Backoff::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                backoff.reset();
                take(stream);
            }
            Err(error) => sleep(backoff.after(error)?).await,
        }
    }
}

/// One connection, from its first request to its end.
async fn connection<P: Pool>(mut stream: TcpStream, echo: &Echo, pool: &P) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut http = echo.codec();
    loop {
        let date = date::now();
        while let Some((request, responder)) = http.next(&date) {
            census::touch();
            let route = route(&request);
            let steps = echo.steps(&route);
            echo.check(steps, steps.task(pool).await);
            census::touch();
            route.respond(responder, &date::now());
        }
        if !http.output().is_empty() {
            stream.write_all(http.output()).await?;
            http.sent(http.output().len());
            continue;
        }
        if http.is_closing() {
            return close(stream).await;
        }
        let n = stream.read(http.space()).await?;
        http.received(n);
    }
}

/// Ends our side and waits briefly for the peer to end its own: closing with unread input would send a reset, and a
/// reset destroys the answer on its way.
async fn close(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut unread = [0; 4096];
    for _ in 0..LINGER.reads {
        if timeout(LINGER.time, stream.read(&mut unread)).await?? == 0 {
            break;
        }
    }
    Ok(())
}

async fn join(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        handle.await.expect("no job panics");
    }
}
