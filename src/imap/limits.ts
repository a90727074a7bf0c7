/** Every limit of the engine, with the standard's minimum and our default. RFC 9051 §4, §5.4; RFC 7162 §4; RFC 7888 §4. */

/** Octets of one command before login, literals included: enough for any LOGIN. */
export const COMMAND_BEFORE_LOGIN: number = 8 * 1024

/** Octets of one command after login, literals included, message literals apart. RFC 7162 §4 asks for lines of 8,192. */
export const COMMAND_AFTER_LOGIN: number = 64 * 1024

/** Levels of parentheses, NOT and OR in one command. */
export const NESTING = 50

/** Keys of one SEARCH, fetch items of one FETCH, and the like. */
export const ITEMS = 2_000

/** Patterns of one extended LIST (RFC 5258 §3): each is held against every name. */
export const PATTERNS = 32

/** BAD answers in a row before the connection ends. */
export const FAULTS_IN_A_ROW = 30

/** Failed logins before the connection ends (S23). */
export const FAILED_LOGINS = 3

/** Names of mailboxes (subscriptions likewise) an account may have before CREATE answers LIMIT. */
export const MAILBOXES = 10_000

/** Keywords that one mailbox may see before new ones are refused. */
export const KEYWORDS = 1_000

/** Octets gathered before they are written to the connection. */
export const OUTPUT_CHUNK: number = 64 * 1024

/** Octets of summaries that one process keeps for mailboxes that are being looked at. */
export const SUMMARY_OCTETS: number = 32 * 1024 * 1024

/** Octets of message data that one read of the store is asked for. */
export const READ_PIECE: number = 256 * 1024

/** Keys of one SEARCH that look for text: four words in five places are twenty. */
export const TEXT_KEYS = 64

/** Octets of one message that SEARCH looks through in BODY and TEXT, for up to four texts. */
export const SEARCHED_OCTETS: number = 16 * 1024 * 1024

/** Searches through the octets of messages that one account may have at a time. */
export const DEEP_SEARCHES = 4

/** Octets of one header block that FETCH of chosen fields and SEARCH look at. */
export const HEADER_OCTETS: number = 1024 * 1024

/** APPENDs of one session that wait for the store while the next is read, and the octets of their messages. */
export const APPENDS_UNDER_WAY = 64
export const OCTETS_UNDER_WAY: number = 1024 * 1024
