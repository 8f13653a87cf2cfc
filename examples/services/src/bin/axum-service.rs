//! An axum service over the SQLite file, which runs its queries in one of three ways:
//! `axum-service inline|spawn-blocking|bounded PORT`.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use services::{Connections, USERS, orders};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Where a query runs.
#[derive(Clone, Copy)]
enum Place {
    /// In the task, on a worker of the runtime.
    Inline,
    /// On tokio's blocking pool, which has up to 512 threads.
    SpawnBlocking,
    /// On tokio's blocking pool, at most four at a time.
    Bounded,
}

struct App {
    connections: Connections,
    place: Place,
    permits: Semaphore,
}

async fn total(State(app): State<Arc<App>>, Path(user): Path<u32>) -> String {
    let (place, owned) = (app.place, Arc::clone(&app));
    let query = move || owned.connections.sum_of_orders(user % USERS);
    let sum = match place {
        Place::Inline => query(),
        Place::SpawnBlocking => spawn_blocking(query).await.expect("the query does not panic"),
        Place::Bounded => {
            let _permit = app.permits.acquire().await.expect("the semaphore is never closed");
            spawn_blocking(query).await.expect("the query does not panic")
        }
    };
    sum.to_string()
}

#[tokio::main]
async fn main() -> Result<(), String> {
    const USAGE: &str = "usage: axum-service inline|spawn-blocking|bounded PORT";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [place, port] = arguments.as_slice() else { return Err(USAGE.into()) };
    let place = match place.as_str() {
        "inline" => Place::Inline,
        "spawn-blocking" => Place::SpawnBlocking,
        "bounded" => Place::Bounded,
        _ => return Err(USAGE.into()),
    };
    let port: u16 = port.parse().map_err(|_| USAGE)?;
    let folder = std::env::temp_dir();
    let app = App { connections: Connections::new(orders(&folder)), place, permits: Semaphore::new(4) };
    let routes = Router::new().route("/orders/{user}", get(total)).with_state(Arc::new(app));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| error.to_string())?;
    axum::serve(listener, routes).await.map_err(|error| error.to_string())
}
