/**
 * The tables of the queue. What waits lies in lanes, one for each destination of each account and priority; the lanes of one
 * account and priority are a share. Taking turns is then two short look-ups, however much waits. RFC 5321 §4.5.4.
 */

/** States of a recipient as they are stored. Below 4: not settled. */
export const WAITING = 0
export const LEASED = 1
export const HELD = 2
/** Waits, but something that matches it is paused. */
export const PAUSED = 3
export const DELIVERED = 4
export const FAILED = 5
export const REMOVED = 6

/** What an account has waiting, and what it queued lately, by index alone. */
export const QUEUE_ACCOUNTS: readonly string[] = [
  `CREATE INDEX queue_message_account ON queue_message (account, open) WHERE open > 0 AND account <> ''`,
  `CREATE INDEX queue_message_recent ON queue_message (account, queued_at, recipients) WHERE account <> ''`,
]

/** The statements that make the tables. */
export const QUEUE_TABLES: readonly string[] = [
  // `account`: empty for nobody's. `turn`: who had it last has the greatest. `ready`: a lane of it may have mail that is due.
  `CREATE TABLE queue_share (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    priority INTEGER NOT NULL,
    ready INTEGER NOT NULL DEFAULT 0,
    turn INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, priority)
  ) STRICT`,
  `CREATE INDEX queue_share_turn ON queue_share (priority DESC, turn) WHERE ready = 1`,
  // `due`: nothing waits in it that is due earlier; NULL when nothing waits. Both it and `ready` are put right when a lease looks.
  `CREATE TABLE queue_lane (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    share INTEGER NOT NULL,
    destination TEXT NOT NULL,
    ready INTEGER NOT NULL DEFAULT 0,
    due INTEGER,
    turn INTEGER NOT NULL DEFAULT 0,
    UNIQUE (share, destination)
  ) STRICT`,
  `CREATE INDEX queue_lane_turn ON queue_lane (share, turn) WHERE ready = 1`,
  `CREATE INDEX queue_lane_due ON queue_lane (due) WHERE ready = 0 AND due IS NOT NULL`,
  `CREATE INDEX queue_lane_destination ON queue_lane (destination)`,
  // `envelope` is JSON. `open`: recipients that are not settled; with the last, `content` and `prefix` go and `settled_at` is set.
  `CREATE TABLE queue_message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender TEXT NOT NULL,
    account TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    deliver_by INTEGER,
    size INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    open INTEGER NOT NULL,
    settled_at INTEGER,
    content INTEGER,
    key TEXT,
    envelope TEXT NOT NULL,
    prefix BLOB
  ) STRICT`,
  `CREATE INDEX queue_message_open ON queue_message (id, size) WHERE open > 0`,
  `CREATE INDEX queue_message_sender ON queue_message (sender) WHERE open > 0`,
  `CREATE INDEX queue_message_settled ON queue_message (settled_at) WHERE settled_at IS NOT NULL`,
  `CREATE TABLE queue_key (account TEXT NOT NULL, key TEXT NOT NULL, message INTEGER NOT NULL, PRIMARY KEY (account, key)) STRICT, WITHOUT ROWID`,
  // `at`: when it is due while it waits, when the lease runs out while it is leased. `token`: of the last lease, until it is settled.
  // `wishes` and `last` are JSON.
  `CREATE TABLE queue_recipient (
    message INTEGER NOT NULL,
    place INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    state INTEGER NOT NULL,
    at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    warned INTEGER NOT NULL DEFAULT 0,
    token INTEGER,
    address TEXT NOT NULL,
    wishes TEXT,
    last TEXT,
    PRIMARY KEY (message, place)
  ) STRICT, WITHOUT ROWID`,
  `CREATE INDEX queue_recipient_lane ON queue_recipient (lane, state, at) WHERE state < 4`,
  `CREATE INDEX queue_recipient_leased ON queue_recipient (at) WHERE state = 1`,
  `CREATE TABLE queue_pause (kind TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, value)) STRICT, WITHOUT ROWID`,
  // `queue-turn`: the last turn and token given. `queue-news`: moves with release, retry and resume. `queue-messages`: with `open > 0`.
  `INSERT INTO counter VALUES ('queue-turn', 0), ('queue-news', 0), ('queue-messages', 0)`,
  `CREATE TABLE suppression (
    address TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    text TEXT
  ) STRICT, WITHOUT ROWID`,
]
