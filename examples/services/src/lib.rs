//! What several benches share: the SQLite file that they query.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

/// The number of users in the file.
pub const USERS: u32 = 20;

/// The number of orders in the file, shared evenly among the users.
const ORDERS: u32 = 100_000;

/// Returns the path of a SQLite file with orders in this folder, and makes the file if there is none.
pub fn orders(folder: &Path) -> PathBuf {
    let path = folder.join("orders.sqlite");
    if !path.exists() {
        // Several processes may make it; the last rename wins, and all files are equal.
        let draft = folder.join(format!("orders-{}.sqlite", std::process::id()));
        make(&draft).expect("the folder can be written");
        fs::rename(&draft, &path).expect("the folder can be written");
    }
    path
}

fn make(path: &Path) -> rusqlite::Result<()> {
    let mut db = Connection::open(path)?;
    db.execute_batch(
        "PRAGMA synchronous = OFF;
         CREATE TABLE orders (id INTEGER PRIMARY KEY, user INTEGER NOT NULL, amount INTEGER NOT NULL);
         CREATE INDEX orders_of_user ON orders (user);",
    )?;
    let all = db.transaction()?;
    {
        let mut insert = all.prepare("INSERT INTO orders (id, user, amount) VALUES (?1, ?2, ?3)")?;
        for id in 0..ORDERS {
            insert.execute((id, id % USERS, id % 997))?;
        }
    }
    all.commit()
}

/// Read-only connections to one file, each used by one query at a time. There are as many as queries at the same time.
pub struct Connections {
    path: PathBuf,
    free: Mutex<Vec<Connection>>,
}

impl Connections {
    /// Opens no connection yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, free: Mutex::default() }
    }

    /// Returns the sum of a user's orders: a query of about a millisecond, which reads 5,000 rows through an index.
    pub fn sum_of_orders(&self, user: u32) -> u64 {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let db = free.unwrap_or_else(|| {
            Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file is there")
        });
        let sum: i64 = {
            let mut query = db
                .prepare_cached("SELECT sum(amount) FROM orders WHERE user = ?1")
                .expect("the query is valid");
            query.query_row([user], |row| row.get(0)).expect("every user has orders")
        };
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(db);
        sum.unsigned_abs()
    }
}
