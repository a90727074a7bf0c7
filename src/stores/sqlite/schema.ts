/**
 * The tables, as steps from one version to the next. A step is one transaction together with its row in `schema`, so a
 * process that dies in the middle of an upgrade leaves a database that the next one goes on upgrading.
 *
 * What is changed often and read in bulk (`state`: flags, MODSEQ) lies apart from what is wide and never changes
 * (`message`: summary, prefix), so that a change of all flags rewrites a few pages and no summary.
 */

import { QUEUE_ACCOUNTS, QUEUE_TABLES } from './queue-schema.ts'

/** Marks a database as a mail store of this library; read by `PRAGMA application_id`. */
export const APPLICATION_ID = 0x4d57_4d53

const first: readonly string[] = [
  // `floor`: change rows up to this MODSEQ were cut. `octets` and `messages`: sums over its mailboxes.
  `CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    modseq INTEGER NOT NULL,
    floor INTEGER NOT NULL DEFAULT 0,
    octets INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0
  ) STRICT`,
  `CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    special_use TEXT,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL DEFAULT 1,
    highest_modseq INTEGER NOT NULL,
    messages INTEGER NOT NULL DEFAULT 0,
    unseen INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    octets INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, name)
  ) STRICT`,
  `CREATE UNIQUE INDEX mailbox_special_use ON mailbox (account, special_use) WHERE special_use IS NOT NULL`,
  `CREATE TABLE subscription (account INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, name)) STRICT, WITHOUT ROWID`,
  // One row for each message of each mailbox. `flags`: a bit for each system flag. `date`: seconds.
  `CREATE TABLE state (
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    message INTEGER NOT NULL,
    size INTEGER NOT NULL,
    date INTEGER NOT NULL,
    PRIMARY KEY (mailbox, uid)
  ) STRICT, WITHOUT ROWID`,
  // What copies of a message share. AUTOINCREMENT: the sweep must never meet an id that was given again.
  `CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    content INTEGER NOT NULL,
    email BLOB NOT NULL,
    prefix BLOB,
    summary BLOB NOT NULL
  ) STRICT`,
  // Where octets lie. `hash`: SHA-256. `hash_key`: its first 48 bits, for a narrow index. `sums`: CRC-32 of each 64 KiB.
  // `doomed`: found unused by a sweep; it goes when the next sweep finds it unused still.
  `CREATE TABLE content (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    segment INTEGER NOT NULL,
    start INTEGER NOT NULL,
    size INTEGER NOT NULL,
    hash_key INTEGER NOT NULL,
    doomed INTEGER NOT NULL DEFAULT 0,
    hash BLOB NOT NULL,
    sums BLOB NOT NULL
  ) STRICT`,
  `CREATE INDEX content_hash_key ON content (hash_key)`,
  // `writer`: who may append. `retired`: seconds; set when everything in it was moved or is gone.
  `CREATE TABLE segment (id INTEGER PRIMARY KEY AUTOINCREMENT, writer INTEGER NOT NULL, retired INTEGER) STRICT`,
  // The processes that write, and how often they committed: tells each what the others did.
  `CREATE TABLE writer (id INTEGER PRIMARY KEY AUTOINCREMENT, commits INTEGER NOT NULL DEFAULT 0, seen INTEGER NOT NULL) STRICT`,
  `CREATE TABLE keyword_set (id INTEGER PRIMARY KEY, flags TEXT NOT NULL UNIQUE) STRICT`,
  // What happened, in order of MODSEQ: feeds other processes, CHANGEDSINCE and VANISHED. `detail` is JSON.
  `CREATE TABLE change (
    account INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    part INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (account, modseq, part)
  ) STRICT, WITHOUT ROWID`,
  // Whoever holds a row keeps segment files from being removed until that second.
  `CREATE TABLE hold (id INTEGER PRIMARY KEY AUTOINCREMENT, until INTEGER NOT NULL) STRICT`,
  `CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
  `INSERT INTO counter VALUES ('uid-validity', 0)`,
  `INSERT INTO keyword_set VALUES (0, '[]')`,
]

/** Compaction and inspection go segment by segment. */
const second: readonly string[] = ['CREATE INDEX content_segment ON content (segment)']

/**
 * Contents are found by their sums and compared octet by octet; a hash of each is not needed any more. Contents from before keep a key
 * that nothing asks for, and are so not found again.
 */
const fifth: readonly string[] = ['ALTER TABLE content DROP COLUMN hash', 'ALTER TABLE content RENAME COLUMN hash_key TO key']

/** The statements that lead from version n to version n + 1. A step that was released is never changed. */
export const STEPS: readonly (readonly string[])[] = [first, second, QUEUE_TABLES, QUEUE_ACCOUNTS, fifth]

/** The version that this release writes. */
export const SCHEMA_VERSION: number = STEPS.length
